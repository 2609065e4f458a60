/// Number of lanes of the entropy coder for a number of symbols.
func laneCount(_ symbols: Int) -> Int { max(1, min(1024, symbols / 4096)) }

/// How many bits the class of a square takes.
func classBits(_ classes: Int) -> Int { Int.bitWidth - (classes - 1).leadingZeroBitCount }

/// How much a reader does for the bytes that it received (FORMAT.md, 7.1).
public struct Limits: Sendable {
    /// Of an image, or of all images of a stream.
    public var maxPixels: Int
    /// Of a stream.
    public var maxImages: Int
    /// Times what the bytes received may ask for.
    public var maxExpansion: Int

    public init(maxPixels: Int = 1 << 26, maxImages: Int = 1 << 17, maxExpansion: Int = 1) {
        self.maxPixels = maxPixels
        self.maxImages = maxImages
        self.maxExpansion = maxExpansion
    }

    /// Most escaped symbols of a block.
    var escapes: Int { max(1 << 13, maxPixels >> 5) }

    func check() throws {
        try require(maxPixels > 0 && maxImages > 0 && maxExpansion > 0, "The limits must be positive. Received: \(self)")
    }

    func checkEscapes(_ number: Int) throws {
        if number > escapes {
            throw KerasaeError.limit(
                "The bitstream holds \(number) symbols outside of its tables, more than the \(escapes) "
                    + "that are allowed with `maxPixels` of \(maxPixels).")
        }
    }
}

func checkSides(_ height: Int, _ width: Int) throws {
    let allowed = 1...(1 << 31) - 1
    if !allowed.contains(height) || !allowed.contains(width) {
        throw KerasaeError.corrupt("The bitstream claims an impossible size of \(height) x \(width) pixels.")
    }
}

/// Images of one size that share an entropy-coded payload.
public struct Block: Sendable {
    public let count: Int
    public let height: Int
    public let width: Int
    public let quality: Int
    let payload: Bytes

    /// Bytes of the payload.
    public var size: Int { payload.count }
}

/// What a block says before its payload.
struct Claims {
    var quality = 1
    var height = 0
    var width = 0
}

/// What the bytes of a file or a stream may ask for, block by block.
struct Budget: Sendable {
    let spec: CodecSpec
    let layout: Layout
    let limits: Limits
    private var images = 0
    private var pixels = 0
    private var runs = 0
    private var tilePixels = 0

    init(spec: CodecSpec, layout: Layout, limits: Limits) {
        self.spec = spec
        self.layout = layout
        self.limits = limits
    }

    /// Count a block, whose payload of so many bytes is not looked at.
    ///
    /// - Returns: what is wrong if it claims more than is allowed, whatever was received.
    mutating func take(_ count: Int, _ claims: Claims, _ payload: Int) throws -> String? {
        if count > 256 { throw KerasaeError.corrupt("A block claims \(count) images, over 256.") }
        let (height, width) = (claims.height, claims.width)
        try checkSides(height, width)
        let more = product(count, layout.runs(height, width))
        images = sum(images, count)
        pixels = sum(pixels, product(count, height, width))
        runs = sum(runs, more)
        tilePixels = sum(tilePixels, product(more, layout.tileHeight, layout.tileWidth))
        if pixels > limits.maxPixels {
            return "claims \(pixels) pixels, over the \(limits.maxPixels) that are allowed; "
                + "raise `maxPixels` if you trust it."
        }
        let symbols = product(count, layout.count(height, width))
        if let refusal = try checkLength(count, claims, payload, symbols) { return refusal }
        if symbols > limits.maxPixels || tilePixels > product(16, limits.maxPixels) {
            return "takes \(symbols) symbols and \(tilePixels) pixels of tiles, more than is allowed "
                + "with `maxPixels` of \(limits.maxPixels)."
        }
        if images > limits.maxImages {
            return "claims \(images) images, over the \(limits.maxImages) that are allowed; "
                + "raise `maxImages` if you trust it."
        }
        return nil
    }

    /// What is wrong if the blocks so far ask for too much for so many bytes.
    func check(_ received: Int) -> String? {
        over("images", images, received, base: 1 << 10, each: 1 << 3)
            ?? over("pixels", pixels, received, base: 1 << 20, each: 1 << 12)
            ?? over("runs of the decoder", runs, received, base: 1 << 12, each: 1 << 7)
            ?? over("pixels of tiles", tilePixels, received, base: 1 << 20, each: 1 << 12, factor: 16)
    }

    private func over(
        _ what: String, _ asked: Int, _ received: Int, base: Int, each: Int, factor: Int = 1
    ) -> String? {
        let most = product(factor, limits.maxExpansion, sum(base, product(each, received)))
        if asked <= most { return nil }
        return "of \(received) bytes claims \(asked) \(what), over the \(most) that so few are allowed; "
            + "raise `maxExpansion` if you trust it."
    }

    private func checkLength(_ count: Int, _ claims: Claims, _ payload: Int, _ symbols: Int) throws -> String? {
        let bits = classBits(spec.qualities[claims.quality - 1].classes)
        let groups = product(count, layout.groupCount(claims.height, claims.width))
        let classes: Int = ceilDiv(product(groups, bits), 8)
        let front: Int = sum(classes, 4 * laneCount(symbols), product(2, symbols))
        // An entry takes a word at most, an escape has five more.
        if payload > sum(front, product(10, symbols)) {
            throw KerasaeError.corrupt("The bitstream is longer than its symbols can make it.")
        }
        if payload > sum(front, product(10, limits.escapes)) {
            return "is so long that more symbols are outside of its tables than are allowed with "
                + "`maxPixels` of \(limits.maxPixels)."
        }
        return nil
    }
}
