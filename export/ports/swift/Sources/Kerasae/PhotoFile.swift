// The container of version 2: a `.kae` file of one photograph (FORMAT.md, 10).

private let photoVersion: UInt8 = 2
private let photoLanes = 1024  // at most

/// What a file of version 2 says before its payload.
public struct PhotoHead: Sendable, Equatable {
    public let quality: Int
    public let height: Int
    public let width: Int

    public init(quality: Int, height: Int, width: Int) {
        self.quality = quality
        self.height = height
        self.width = width
    }

    /// What a file says without its family, before its CRC is checked.
    public init(of data: [UInt8]) throws {
        let id = data.count < leastSize ? [0, 0] : Array(data[3..<5])
        try checkHead(Bytes(data), imageMagic, id, photoVersion)
        var cursor = Cursor(Bytes(data, headSize, data.count - crcSize))
        try self.init(&cursor)
        try checkSides(height, width)
    }

    init(_ cursor: inout Cursor) throws {
        let quality = cursor.byte().map { Int($0) }
        if let quality, quality >= 0x80 {
            throw KerasaeError.version("The bitstream names its tables in a way that this code does not know.")
        }
        if let quality, quality < 1 || quality > photoQualities {
            throw KerasaeError.corrupt("The bitstream names quality \(quality), and there are \(photoQualities).")
        }
        guard let quality, let height = try cursor.varint(), let width = try cursor.varint() else { throw truncated }
        self.init(quality: quality, height: height, width: width)
    }

    var rows: Int { ceilDiv(height, cellSide) }
    var columns: Int { ceilDiv(width, cellSide) }

    /// Refuse what it claims, for a payload and a file of so many bytes (FORMAT.md, 7).
    func check(payload: Int, received: Int, _ limits: Limits) throws {
        try checkSides(height, width)
        let pixels = height * width
        if pixels > limits.maxPixels {
            throw KerasaeError.limit(
                "The bitstream claims \(pixels) pixels, over the \(limits.maxPixels) that are allowed; "
                    + "raise `maxPixels` if you trust it.")
        }
        let most = product(limits.maxExpansion, sum(1 << 20, product(1 << 12, received)))
        if pixels > most {
            throw KerasaeError.limit(
                "The bitstream of \(received) bytes claims \(pixels) pixels, over the \(most) that so few are "
                    + "allowed; raise `maxExpansion` if you trust it.")
        }
        let symbols = product(rows, columns, photoChannels + 1)
        let front = sum(1 + 4 * photoLanes, product(2, symbols))
        if payload > sum(front, product(10, symbols)) {
            throw KerasaeError.corrupt("The bitstream is longer than its symbols can make it.")
        }
        if payload > sum(front, product(10, limits.escapes)) { try limits.checkEscapes(ceilDiv(payload - front, 10)) }
    }
}

/// The first two bytes of the hash of the family of a file of version 2; nil for other bytes.
func familyId(_ data: [UInt8]) -> String? {
    let named = data.count >= leastSize && data[0] == 0xAE && data[1] == imageMagic && data[2] == photoVersion
    return named ? hex(data[3..<5]) : nil
}

/// The `.kae` file of a payload.
func writePhoto(_ head: PhotoHead, _ payload: [UInt8], _ hash: [UInt8]) -> [UInt8] {
    var data = [0xAE, imageMagic, photoVersion, hash[0], hash[1], UInt8(head.quality)]
    data.appendVarint(head.height)
    data.appendVarint(head.width)
    data += payload
    data.appendWord(crc32(Bytes(hash), Bytes(data)))
    return data
}

/// Check a file; what it says, and a view of its payload.
func readPhoto(_ data: [UInt8], _ hash: [UInt8], _ limits: Limits) throws -> (PhotoHead, Bytes) {
    try checkHead(Bytes(data), imageMagic, hash, photoVersion)
    let body = try checkFile(Bytes(data), hash)
    var cursor = Cursor(body.part(headSize))
    let head = try PhotoHead(&cursor)
    let payload = body.part(headSize + cursor.at)
    try head.check(payload: payload.count, received: data.count, limits)
    return (head, payload)
}
