/// Checked access to the fields of a JSON object that is untrusted: errors name file and field.
struct Fields {
    let members: [[UInt8]: Json]
    private let content: Json
    private let path: String
    private let file: String

    init(_ content: Json, _ path: String, _ file: String) throws {
        guard case .object(let members) = content else {
            let what = path.isEmpty ? "the content" : "`\(path.dropLast())`"
            throw KerasaeError.bundle("\(file): \(what) must be an object. Received: \(content.brief)")
        }
        self.members = members
        self.content = content
        self.path = path
        self.file = file
    }

    /// The fields of a file of JSON.
    init(parsing bytes: [UInt8], file: String, most: Int) throws {
        if bytes.count > most {
            throw KerasaeError.bundle("\(file) must have at most \(most) bytes. Received: \(bytes.count)")
        }
        do {
            try self.init(Json.parse(bytes), "", file)
        } catch let error as Json.ParseError {
            throw KerasaeError.bundle("\(file) is not valid JSON: \(error.message).")
        }
    }

    func refusal(_ what: String) -> KerasaeError {
        .bundle("\(file): \(what)")
    }

    func failure(_ name: String, _ rule: String) -> KerasaeError {
        refusal("`\(path)\(name)` must be \(rule). Received: \(content[name]?.brief ?? "nothing")")
    }

    /// Refuse fields that are not known, in objects that a hash covers as a whole.
    func only(_ names: Set<String>) throws {
        let known = Set(names.map { Array($0.utf8) })
        for name in members.keys where !known.contains(name) {
            throw refusal("`\(path)\(String(decoding: name.prefix(60), as: UTF8.self))` is not a known field.")
        }
    }

    func has(_ name: String) -> Bool { content[name] != nil }

    func fields(_ name: String) throws -> Fields {
        guard let value = content[name], case .object = value else { throw failure(name, "an object") }
        return try Fields(value, "\(path)\(name).", file)
    }

    /// The objects of a list, one after the other.
    func each(_ name: String, _ sizes: ClosedRange<Int>, _ read: (Fields) throws -> Void) throws {
        for (i, item) in try list(name, sizes).enumerated() {
            try read(Fields(item, "\(path)\(name)[\(i)].", file))
        }
    }

    func list(_ name: String, _ sizes: ClosedRange<Int>) throws -> [Json] {
        guard case .list(let items) = content[name], sizes.contains(items.count) else {
            let most = sizes.count > 1 ? " to \(sizes.upperBound)" : ""
            throw failure(name, "a list of \(sizes.lowerBound)\(most)")
        }
        return items
    }

    func bytes(_ name: String) throws -> [UInt8] {
        guard case .text(let value) = content[name] else { throw failure(name, "a string") }
        return value
    }

    func text(_ name: String) throws -> String {
        String(decoding: try bytes(name), as: UTF8.self)
    }

    func int(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
        guard case .number(_, let value?) = content[name], range.contains(value) else {
            throw failure(name, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func ints(_ name: String, _ range: ClosedRange<Int>, _ sizes: ClosedRange<Int>) throws -> [Int] {
        try list(name, sizes).map { item in
            guard case .number(_, let value?) = item, range.contains(value) else {
                throw failure(name, "a list of integers from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
    }

    func positive(_ name: String) throws -> Double {
        guard case .number(let value, _) = content[name], value > 1e-30 && value < 1e30 else {
            throw failure(name, "a positive number")
        }
        return value
    }

    func digest(_ name: String) throws -> [UInt8] {
        let digits = try bytes(name)
        let good = digits.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) }
        if digits.count != 64 || !good { throw failure(name, "64 lower-case hexadecimal digits") }
        return fromHex(digits)
    }
}
