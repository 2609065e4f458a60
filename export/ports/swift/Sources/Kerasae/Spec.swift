/// The frequencies of one channel's symbols: of `offset`, `offset` + 1, ..., and of the escape.
struct Table: Sendable {
    let offset: Int
    let frequencies: [Int]
}

/// How finely a code is rounded, and how its symbols are coded.
struct Quality: Sendable {
    let exponent: Int
    let mantissas: [Int]
    let classes: Int
    /// For each class, for each channel of the code.
    let tables: [Table]
}

/// The codec part of a manifest: everything that the meaning of a bitstream depends on.
public struct CodecSpec: Sendable {
    public enum Layout: String, Sendable { case grid, blocks }

    /// 1, grey, or 3: red, green and blue.
    public let channels: Int
    public let tileHeight: Int
    public let tileWidth: Int
    public let layout: Layout
    public let stride: Int
    public let margin: Int
    public let codeShape: [Int]
    /// 0 for a code of values, else how many indices there are.
    public let codebook: Int
    public let group: Int
    let qualities: [Quality]

    /// The shape of the code at the edges of the models; indices have no axis of channels.
    var codeEdge: [Int] {
        [1] + (codebook > 0 && codeShape.last == 1 ? codeShape.dropLast() : codeShape[...])
    }
}

/// An input or output of a model. For `uint8`, value = scale * (q - zeroPoint).
public struct Edge: Sendable {
    public enum DType: String, Sendable { case uint8, float32, int32 }

    public let shape: [Int]
    public let dtype: DType
    public let scale: Double
    public let zeroPoint: Int

    /// How many values there are.
    public var count: Int { shape.reduce(1, *) }
}

/// A model: its file, its edges, and the signature to run where one file holds both models.
public struct Part: Sendable {
    public let file: String
    public let input: Edge
    public let output: Edge
    public let signature: String?
}

public struct ListedFile: Sendable {
    let sha256: [UInt8]
    public let bytes: Int
}

/// What `manifest.json` says.
public struct Manifest: Sendable {
    public let scheme: String
    let hash: [UInt8]
    /// How many levels of 255 two correct decoders may differ.
    public let pixelTolerance: Int
    public let codec: CodecSpec
    public let encoder: Part
    public let decoder: Part
    public let files: [String: ListedFile]

    /// 64 hexadecimal digits; a `.kae` file names its bundle by the first four.
    public var bundleHash: String { hex(hash) }
}
