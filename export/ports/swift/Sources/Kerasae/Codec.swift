/// Rows of pixels from the top, with the channels of the codec: grey, or red, green, blue.
public struct Image: Sendable, Equatable {
    /// Height x width x channels bytes.
    public var data: [UInt8]
    public let height: Int
    public let width: Int

    public init(data: [UInt8], height: Int, width: Int) {
        self.data = data
        self.height = height
        self.width = width
    }

    /// Check what it holds.
    func check(_ limits: Limits, _ channels: Int) throws {
        let pixels = height > 0 && width > 0 ? product(height, width) : 0
        try require(
            pixels > 0 && pixels <= limits.maxPixels,
            "`image` must have 1 to \(limits.maxPixels) pixels. Received: \(height) x \(width)")
        try require(
            data.count == pixels * channels,
            "`image.data` must be \(pixels * channels) bytes. Received: \(data.count)")
    }
}

/// The symbols of an image, channels of the code running fastest.
public struct Coded: Sendable, Equatable {
    public let symbols: [Int32]
    public let height: Int
    public let width: Int
    public let quality: Int

    public init(symbols: [Int32], height: Int, width: Int, quality: Int) {
        self.symbols = symbols
        self.height = height
        self.width = width
        self.quality = quality
    }
}

/// Runs a model; an actor does if what runs it is not for several threads at once.
public protocol Model: Sendable {
    /// Takes all values of the model's input, and gives those of its output, as the manifest says.
    func run(_ input: Tensor) async throws -> Tensor
}

/// Compresses images to bytes and back with a bundle. It runs no networks: models are passed that do.
public struct Codec: Sendable {
    public let manifest: Manifest
    private let encoder: (any Model)?
    private let decoder: (any Model)?
    private let context: Context
    private let tables: [Tables]
    private let steps: [[Double]]
    private let payloads: Payloads

    /// - Parameters:
    ///   - manifest: that of a `ModelBundle`
    ///   - encoder: may be missing where only `pack` and `unpack` are called
    ///   - decoder: may be missing, too
    public init(
        manifest: Manifest, encoder: (any Model)? = nil, decoder: (any Model)? = nil, limits: Limits = Limits()
    ) throws {
        try limits.check()
        self.manifest = manifest
        self.encoder = encoder
        self.decoder = decoder
        let layout = Layout(manifest.codec)
        context = Context(spec: manifest.codec, layout: layout, hash: manifest.hash, limits: limits)
        tables = manifest.codec.qualities.map(Tables.init)
        steps = manifest.codec.qualities.map(stepsOf)
        payloads = Payloads(layout: layout, limits: limits, codebook: manifest.codec.codebook)
    }

    /// How many qualities there are: 1, the smallest files, to this, the best and the default.
    public var qualities: Int { tables.count }

    private var layout: Layout { context.layout }

    /// Compress an image to a `.kae` file.
    public func compress(_ image: Image, quality: Int? = nil) async throws -> [UInt8] {
        try pack(await encode(image, quality: quality))
    }

    /// Rebuild the image of a `.kae` file.
    public func decompress(_ data: [UInt8]) async throws -> Image {
        try await decode(unpack(data))
    }

    /// The `.kae` file of symbols.
    public func pack(_ coded: Coded) throws -> [UInt8] {
        writeImage(try block(of: [coded]), context)
    }

    /// The symbols of a `.kae` file.
    public func unpack(_ data: [UInt8]) throws -> Coded {
        try unpack(readImage(Bytes(data), context))[0]
    }

    /// The stream of images: a block ends where size or quality changes, after 256 images or 2^22 pixels.
    public func packMany(_ images: [Coded]) throws -> [UInt8] {
        var writer = streamWriter()
        var first = 0
        while first < images.count {
            let one = images[first]
            var stop = first + 1
            while stop < images.count && stop - first < 256 {
                let next = images[stop]
                let alike = next.height == one.height && next.width == one.width && next.quality == one.quality
                if !alike || product(stop + 1 - first, max(0, one.height), max(0, one.width)) > 1 << 22 { break }
                stop += 1
            }
            writer.put(try block(of: Array(images[first..<stop])))
            first = stop
        }
        return writer.finish()
    }

    /// The images of a stream. To decode one while it arrives, see `streamReader`.
    public func unpackMany(_ data: [UInt8]) throws -> [Coded] {
        var reader = StreamReader(context, whole: data)
        var images: [Coded] = []
        while let block = try reader.next() { images += try unpack(block) }
        return images
    }

    public func streamReader() -> StreamReader { StreamReader(context) }

    /// A writer of blocks, which `block(of:)` makes.
    public func streamWriter() -> StreamWriter { StreamWriter(context) }

    /// One to 256 images of one size and quality as a block.
    public func block(of images: [Coded]) throws -> Block {
        try require((1...256).contains(images.count), "`images` must be 1 to 256. Received: \(images.count)")
        let one = images[0]
        for coded in images {
            try check(coded)
            try require(
                coded.height == one.height && coded.width == one.width && coded.quality == one.quality,
                "`images` must be of one size and quality.")
        }
        let symbols = images.count == 1 ? one.symbols : images.flatMap { $0.symbols }
        let payload = payloads.pack(tables[one.quality - 1], symbols, images.count, one.height, one.width)
        return Block(
            count: images.count, height: one.height, width: one.width, quality: one.quality, payload: Bytes(payload))
    }

    /// The images of a block.
    public func unpack(_ block: Block) throws -> [Coded] {
        let symbols = try payloads.unpack(tables[block.quality - 1], block)
        let each = symbols.count / block.count
        return (0..<block.count).map { i in
            let own = block.count == 1 ? symbols : Array(symbols[i * each..<(i + 1) * each])
            return Coded(symbols: own, height: block.height, width: block.width, quality: block.quality)
        }
    }

    /// The symbols of an image, by running the encoder tile by tile.
    public func encode(_ image: Image, quality: Int? = nil) async throws -> Coded {
        let quality = try checked(quality ?? qualities)
        try image.check(context.limits, manifest.codec.channels)
        // As much work as a reader allows.
        var budget = context.budget
        if let refusal = try budget.take(1, Claims(height: image.height, width: image.width), 0) {
            throw KerasaeError.limit("The image \(refusal)")
        }
        guard let encoder else { throw KerasaeError.argument("`encode` needs a codec with an encoder.") }
        let part = manifest.encoder
        let work = TileWork(layout: layout, channels: manifest.codec.channels, steps: steps[quality - 1])
        var symbols = [Int32](repeating: 0, count: layout.count(image.height, image.width))
        for row in layout.rowSpans(image.height) {
            for column in layout.columnSpans(image.width) {
                try Task.checkCancellation()
                let output = try await encoder.run(part.input.tensor(work.pixels(image, row, column)))
                try check(output, part.output)
                try work.takeSymbols(part.output.values(output), row, column, image.width, &symbols)
            }
        }
        if !payloads.areIndices(symbols) { throw KerasaeError.model("The encoder gave a symbol that is no index.") }
        return Coded(symbols: symbols, height: image.height, width: image.width, quality: quality)
    }

    /// The image of symbols, by running the decoder tile by tile.
    public func decode(_ coded: Coded) async throws -> Image {
        try check(coded)
        let pixels = product(coded.height, coded.width)
        try require(
            pixels <= context.limits.maxPixels,
            "`coded` must have at most \(context.limits.maxPixels) pixels. Received: \(pixels)")
        guard let decoder else { throw KerasaeError.argument("`decode` needs a codec with a decoder.") }
        let part = manifest.decoder
        let channels = manifest.codec.channels
        let work = TileWork(layout: layout, channels: channels, steps: steps[coded.quality - 1])
        let blank = [UInt8](repeating: 0, count: pixels * channels)
        var image = Image(data: blank, height: coded.height, width: coded.width)
        for row in layout.rowSpans(coded.height) {
            for column in layout.columnSpans(coded.width) {
                try Task.checkCancellation()
                let output = try await decoder.run(part.input.tensor(work.code(coded, row, column)))
                try check(output, part.output)
                work.takePixels(part.output.pixels(output), row, column, &image)
            }
        }
        return image
    }

    private func check(_ output: Tensor, _ edge: Edge) throws {
        if !output.fits(edge) {
            throw KerasaeError.model("A model gave values of another type or number than the manifest says.")
        }
    }

    private func checked(_ quality: Int) throws -> Int {
        try require(
            quality >= 1 && quality <= qualities,
            "`quality` must be from 1 to \(qualities). Received: quality=\(quality)")
        return quality
    }

    private func check(_ coded: Coded) throws {
        _ = try checked(coded.quality)
        let some = coded.height > 0 && coded.width > 0
        let count = some ? layout.count(coded.height, coded.width) : 0
        try require(
            some && coded.symbols.count == count,
            "`symbols` must be the \(count) integers of a \(coded.height) x \(coded.width) image. "
                + "Received: \(coded.symbols.count)")
        try require(
            payloads.areIndices(coded.symbols),
            "`symbols` must be indices from 0 to \(manifest.codec.codebook - 1).")
    }
}
