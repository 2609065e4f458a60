// What kerasae uses of LiteRT's package for Swift, for the compiler only.

public struct HwAccelerators: OptionSet, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let cpu = HwAccelerators(rawValue: 1)
    public static let gpu = HwAccelerators(rawValue: 2)
}

public class Environment {
    public init() throws {}
}

public class TensorBuffer {
    public func read<T>() throws -> [T] { fatalError() }

    public func write<T>(_ data: [T]) throws { fatalError() }
}

public class CompiledModel {
    public class Options {
        public init() throws {}

        public func setAccelerators(_ accelerators: HwAccelerators) throws {}
    }

    public init(file: String, options: Options? = nil, environment: Environment) throws {}

    public func createInputBuffers(signatureKey: String? = nil) throws -> [TensorBuffer] { fatalError() }

    public func createOutputBuffers(signatureKey: String? = nil) throws -> [TensorBuffer] { fatalError() }

    public func run(signatureIndex: Int, inputBuffers: [TensorBuffer], outputBuffers: [TensorBuffer]) throws {}
}
