import CKerasaeLiteRT
import Kerasae

/// A model of a bundle on a computer's processor, by the C++ adapter and LiteRT's library for Linux.
public actor LiteRTModel: Model {
    private let handle: Handle
    private let input: Edge
    private let output: Edge

    /// Closes the model when it is no longer used.
    private final class Handle: Sendable {
        nonisolated(unsafe) let model: OpaquePointer

        init(_ model: OpaquePointer) {
            self.model = model
        }

        deinit {
            kerasae_model_close(model)
        }
    }

    /// - Parameters:
    ///   - content: the bytes of the `.tflite` file
    ///   - part: what the manifest says of it
    /// - Throws: `KerasaeError.bundle` if LiteRT refuses the model, or its edges have other sizes.
    public init(content: [UInt8], part: Part) throws {
        var error = [CChar](repeating: 0, count: 300)
        let size = error.count
        let made = kerasae_model_open(
            content, content.count, part.signature, part.input.dtype.code, part.input.count, part.output.dtype.code,
            part.output.count, &error, size)
        guard let made else { throw KerasaeError.bundle(sentence(error)) }
        handle = Handle(made)
        (input, output) = (part.input, part.output)
    }

    public func run(_ input: Tensor) throws -> Tensor {
        if !input.fits(self.input) { throw KerasaeError.argument("`input` must be as the manifest says.") }
        switch output.dtype {
        case .uint8: return .levels(try run(input, [UInt8](repeating: 0, count: output.count)))
        case .float32: return .floats(try run(input, [Float](repeating: 0, count: output.count)))
        case .int32: return .indices(try run(input, [Int32](repeating: 0, count: output.count)))
        }
    }

    private func run<Value: BitwiseCopyable>(_ input: Tensor, _ blank: [Value]) throws -> [Value] {
        var output = blank
        var error = [CChar](repeating: 0, count: 300)
        let size = error.count
        let status =
            switch input {
            case .levels(let values): kerasae_model_run(handle.model, values, &output, &error, size)
            case .floats(let values): kerasae_model_run(handle.model, values, &output, &error, size)
            case .indices(let values): kerasae_model_run(handle.model, values, &output, &error, size)
            }
        if status != 0 { throw KerasaeError.model(sentence(error)) }
        return output
    }
}

private func sentence(_ bytes: [CChar]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension Edge.DType {
    fileprivate var code: Int32 {
        switch self {
        case .uint8: return Int32(KERASAE_UINT8)
        case .float32: return Int32(KERASAE_FLOAT32)
        case .int32: return Int32(KERASAE_INT32)
        }
    }
}

extension Codec {
    /// The codec of a bundle, with its models.
    public init(running bundle: ModelBundle, limits: Limits = Limits()) throws {
        let manifest = bundle.manifest
        try self.init(
            manifest: manifest,
            encoder: LiteRTModel(content: bundle.file(manifest.encoder.file), part: manifest.encoder),
            decoder: LiteRTModel(content: bundle.file(manifest.decoder.file), part: manifest.decoder),
            limits: limits)
    }
}
