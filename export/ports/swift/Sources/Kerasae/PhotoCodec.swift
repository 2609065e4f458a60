/// Compresses photographs to bytes and back, without any network.
///
/// The calls take as long as the work does, and stop with a `CancellationError` if their task is cancelled: an
/// app makes them where it does not wait, such as in a `Task.detached`.
public struct PhotoCodec: Sendable {
    public static let defaultQuality = 75
    public let families: [Family]
    private let limits: Limits

    /// - Parameter families: the first one writes, and all of them read: a file names its family
    public init(families: [Family], limits: Limits = Limits()) throws {
        try require(!families.isEmpty, "`families` must hold one or more. Received: none")
        try limits.check()
        self.families = families
        self.limits = limits
    }

    /// Compress a photograph of red, green and blue to a `.kae` file, by the rule of effort 0.
    ///
    /// - Parameter quality: 1 (the smallest file) to 100 (the best image)
    public func compress(_ image: Image, quality: Int = PhotoCodec.defaultQuality) throws -> [UInt8] {
        try check(quality)
        try image.check(limits, planes)
        let family = families[0]
        let head = PhotoHead(quality: quality, height: image.height, width: image.width)
        var symbols = round(try analysePhoto(family, image), family.steps[quality - 1])
        try predictLowest(&symbols, head.columns)
        let classes = try cheapestClasses(family, symbols)
        for channel in 0..<photoChannels {
            for (cell, k) in classes.enumerated() where family.classes[Int(k) * photoChannels + channel] == 0 {
                symbols[channel][cell] = 0
            }
        }
        return writePhoto(head, try packPhoto(family, symbols, classes, head), family.hash)
    }

    /// Rebuild the photograph of a file.
    ///
    /// - Throws: a `KerasaeError` if the bytes are damaged, of an unknown family or version, or claim more than
    ///   is allowed.
    public func decompress(_ data: [UInt8]) throws -> Image {
        let (head, coded) = try unpack(data)
        return try synthesisePhoto(family(of: data), coded, head)
    }

    /// What a file says, and its symbols.
    public func unpack(_ data: [UInt8]) throws -> (PhotoHead, PhotoSymbols) {
        let family = try family(of: data)
        let (head, payload) = try readPhoto(data, family.hash, limits)
        var coded = try unpackPhoto(family, payload, head, limits)
        try unpredictLowest(&coded.symbols, head.columns)
        return (head, coded)
    }

    /// The `.kae` file of symbols as `unpack` gives them.
    public func pack(_ head: PhotoHead, _ coded: PhotoSymbols) throws -> [UInt8] {
        try check(head.quality)
        let cells = head.height > 0 && head.width > 0 ? product(head.rows, head.columns) : 0
        let whole = coded.classes.count == cells && coded.symbols.allSatisfy { $0.count == cells }
        try require(
            cells > 0 && whole,
            "`coded` must have the symbols and classes of \(cells) cells. Received: \(coded.classes.count) classes")
        let family = families[0]
        try require(
            coded.classes.allSatisfy { $0 < family.count }, "`coded.classes` must be below \(family.count).")
        var symbols = coded.symbols
        try predictLowest(&symbols, head.columns)
        return writePhoto(head, try packPhoto(family, symbols, coded.classes, head), family.hash)
    }

    /// The family that a file names; the first one for what is no such file, and refused later.
    private func family(of data: [UInt8]) throws -> Family {
        guard let id = familyId(data) else { return families[0] }
        guard let family = families.first(where: { $0.id == id }) else {
            throw KerasaeError.otherBundle(
                "The bitstream was made with family \(id), which this codec does not have: "
                    + families.map(\.id).joined(separator: ", ") + ".")
        }
        return family
    }

    private func check(_ quality: Int) throws {
        try require(
            (1...photoQualities).contains(quality),
            "`quality` must be from 1 to \(photoQualities). Received: quality=\(quality)")
    }
}

/// The symbols of coefficients, lowest ones not yet as differences (FORMAT.md, 11).
private func round(_ coefficients: [[Int32]], _ step: Int) -> [[Int16]] {
    coefficients.enumerated().map { channel, own in
        own.map { coefficient in
            let c = Int(coefficient)
            var symbol = floorDiv(c + 32 * step, 64 * step)
            if channel % cellArea != 0 {
                let magnitude = (abs(c) + 21 * step) / (64 * step)
                symbol = c < 0 ? -magnitude : magnitude
            }
            return Int16(min(max(symbol, -32767), 32767))
        }
    }
}

/// The class of each cell of least cost, the first of several (FORMAT.md, 11).
private func cheapestClasses(_ family: Family, _ symbols: [[Int16]]) throws -> [UInt8] {
    let count = family.count
    var costs: [Int] = []  // of each bucket of a channel in each class
    for channel in 0..<photoChannels {
        for bucket in 0..<photoBuckets {
            for k in 0..<count {
                costs.append(family.costs[Int(family.classes[k * photoChannels + channel]) * photoBuckets + bucket])
            }
        }
    }
    let piece = 256  // cells, whose sums stay in a cache
    let cells = symbols[0].count
    var classes: [UInt8] = []
    classes.reserveCapacity(cells)
    for first in stride(from: 0, to: cells, by: piece) {
        try Task.checkCancellation()
        let stop = min(cells, first + piece)
        var totals = [Int](repeating: 0, count: (stop - first) * count)
        for channel in 0..<photoChannels {
            for cell in first..<stop {
                let from = (channel * photoBuckets + bucketOf(symbols[channel][cell])) * count
                let to = (cell - first) * count
                for k in 0..<count { totals[to + k] += costs[from + k] }
            }
        }
        for at in stride(from: 0, to: totals.count, by: count) {
            var best = 0
            for k in 1..<max(1, count) where totals[at + k] < totals[at + best] { best = k }
            classes.append(UInt8(best))
        }
    }
    return classes
}

/// 0, 1, 2, 3-4, 5-8, 9-16, 17-32, and 33 and more.
private func bucketOf(_ symbol: Int16) -> Int {
    let magnitude = Int(symbol.magnitude)
    return magnitude == 0 ? 0 : min(7, Int.bitWidth + 1 - (magnitude - 1).leadingZeroBitCount)
}
