import Foundation
import Kerasae
import KerasaePhotographs
import LiteRT

/// A model of a bundle, run by LiteRT; tiles are run one after the other, with the same buffers.
public actor LiteRTModel: Model {
    private let model: CompiledModel
    private let inputs: [TensorBuffer]
    private let outputs: [TensorBuffer]
    private let signature: Int
    private let dtype: Edge.DType

    /// - Parameters:
    ///   - file: the `.tflite` file
    ///   - part: what the manifest says of it
    ///   - accelerators: `.cpu` gives what other devices give; `.gpu` computes float models with less precision
    public init(file: URL, part: Part, accelerators: HwAccelerators = .cpu) throws {
        let options = try CompiledModel.Options()
        try options.setAccelerators(accelerators)
        model = try CompiledModel(file: file.path, options: options, environment: Environment())
        inputs = try model.createInputBuffers(signatureKey: part.signature)
        outputs = try model.createOutputBuffers(signatureKey: part.signature)
        // The only ones of a bundle's file are `decode` and `encode`, in the order of their names.
        signature = part.signature == "encode" ? 1 : 0
        dtype = part.output.dtype
    }

    public func run(_ input: Tensor) throws -> Tensor {
        switch input {
        case .levels(let values): try inputs[0].write(values)
        case .floats(let values): try inputs[0].write(values)
        case .indices(let values): try inputs[0].write(values)
        }
        try model.run(signatureIndex: signature, inputBuffers: inputs, outputBuffers: outputs)
        switch dtype {
        case .uint8: return .levels(try outputs[0].read())
        case .float32: return .floats(try outputs[0].read())
        case .int32: return .indices(try outputs[0].read())
        }
    }
}

extension Codec {
    /// The codec of a bundle in a folder, all of which is checked, with its models.
    public init(folder: URL, limits: Limits = Limits(), accelerators: HwAccelerators = .cpu) throws {
        let manifest = try ModelBundle(folder: folder).manifest
        func model(_ part: Part) throws -> LiteRTModel {
            try LiteRTModel(file: folder.appendingPathComponent(part.file), part: part, accelerators: accelerators)
        }
        try self.init(
            manifest: manifest, encoder: model(manifest.encoder), decoder: model(manifest.decoder), limits: limits)
    }
}
