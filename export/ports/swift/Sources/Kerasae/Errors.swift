/// What can be wrong; each message is one sentence for a person.
public enum KerasaeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A bundle is incomplete, damaged, or its manifest breaks a rule; or `family.json` does.
    case bundle(String)
    /// The bytes are damaged, truncated, or no kerasae bitstream at all.
    case corrupt(String)
    /// The bytes are of a version of the format that this code does not read.
    case version(String)
    /// The bytes were made with another bundle, or another family.
    case otherBundle(String)
    /// The bytes are intact but ask for more than the reader allows.
    case limit(String)
    /// A stream of many images where a single one is expected, or the other way round.
    case kind(String)
    /// An argument of the caller breaks its rule.
    case argument(String)
    /// A model gave what no code can be made of.
    case model(String)

    public var description: String {
        switch self {
        case .bundle(let message), .corrupt(let message), .version(let message),
            .otherBundle(let message), .limit(let message), .kind(let message),
            .argument(let message), .model(let message):
            return message
        }
    }
}

func require(_ rule: Bool, _ message: @autoclosure () -> String) throws {
    if !rule { throw KerasaeError.argument(message()) }
}
