// The container around the entropy-coded symbols: `.kae` files and streams (FORMAT.md, 5 to 7).

let imageMagic: UInt8 = 0x6B
let streamMagic: UInt8 = 0x73
let headSize = 5
let crcSize = 4
let leastSize = 10
private let version: UInt8 = 1
let damaged = KerasaeError.corrupt("The bitstream is damaged or truncated: its checksum does not match.")
let truncated = KerasaeError.corrupt("The bitstream is truncated.")

/// Whether the bytes begin as a stream of many images does, not as a single one.
public func isStream(_ data: [UInt8]) -> Bool {
    data.count > 1 && data[0] == 0xAE && data[1] == streamMagic
}

/// What bytes say that they are, by which an app finds the codec that reads them.
public struct FileId: Sendable, Equatable {
    /// 1, made with a bundle, or 2, a photograph.
    public let version: Int
    /// Four hexadecimal digits, of the bundle or of the family.
    public let id: String
    /// Whether they hold many images.
    public let stream: Bool

    /// Throws `KerasaeError.corrupt` if the bytes are no file or stream of kerasae.
    public init(of data: [UInt8]) throws {
        let some = data.count >= leastSize && data[0] == 0xAE && (data[1] == imageMagic || data[1] == streamMagic)
        if !some { throw KerasaeError.corrupt("The data is not a kerasae bitstream.") }
        version = Int(data[2])
        id = hex(data[3..<5])
        stream = isStream(data)
    }
}

/// The bundle's codec part, layout, hash and the limits: what a bitstream is read and written with.
struct Context: Sendable {
    let spec: CodecSpec
    let layout: Layout
    let hash: [UInt8]
    let limits: Limits

    var qualities: Int { spec.qualities.count }
    var budget: Budget { Budget(spec: spec, layout: layout, limits: limits) }

    func head(_ magic: UInt8) -> [UInt8] { [0xAE, magic, version, hash[0], hash[1]] }

    func checkHead(_ data: Bytes, _ magic: UInt8) throws {
        try Kerasae.checkHead(data, magic, hash, version)
    }
}

func checkHead(_ data: Bytes, _ magic: UInt8, _ id: [UInt8], _ known: UInt8) throws {
    let kind = data.count > 1 && data[0] == 0xAE ? data[1] : 0
    if kind != magic && (kind == imageMagic || kind == streamMagic) {
        let held = kind == streamMagic ? "a stream of many images" : "a single image"
        throw KerasaeError.kind("The bitstream holds \(held): read it as such.")
    }
    if data.count < leastSize || kind != magic {
        throw KerasaeError.corrupt(
            "The data is not a kerasae bitstream: it has \(data.count) bytes and starts with "
                + "\"\(hex(data.slice.prefix(2)))\", not \"ae\(hex([magic]))\".")
    }
    if data[2] != known {
        throw KerasaeError.version("The bitstream is of version \(data[2]); this codec reads version \(known).")
    }
    if data[3] != id[0] || data[4] != id[1] {
        throw KerasaeError.otherBundle(
            "The bitstream was made with bundle \(hex([data[3], data[4]])), not with this one, \(hex(id.prefix(2))).")
    }
}

/// The claims of a block; nil where the data ends.
func readClaims(_ cursor: inout Cursor, _ qualities: Int) throws -> Claims? {
    var claims = Claims()
    if qualities > 1 {
        guard let quality = cursor.byte() else { return nil }
        if quality < 1 || quality > qualities {
            throw KerasaeError.corrupt("The bitstream names quality \(quality), and the bundle has \(qualities).")
        }
        claims.quality = Int(quality)
    }
    guard let height = try cursor.varint(), let width = try cursor.varint() else { return nil }
    (claims.height, claims.width) = (height, width)
    return claims
}

func appendClaims(_ to: inout [UInt8], _ qualities: Int, _ block: Block) {
    if qualities > 1 { to.append(UInt8(block.quality)) }
    to.appendVarint(block.height)
    to.appendVarint(block.width)
}

/// The `.kae` file of a block of one image.
func writeImage(_ block: Block, _ context: Context) -> [UInt8] {
    var data = context.head(imageMagic)
    appendClaims(&data, context.qualities, block)
    data += block.payload.slice
    data.appendWord(crc32(Bytes(context.hash), Bytes(data)))
    return data
}

/// Compare the last four bytes of a file with the CRC of those before, which are given back.
func checkFile(_ data: Bytes, _ hash: [UInt8]) throws -> Bytes {
    let body = data.part(0, data.count - crcSize)
    var crc: [UInt8] = []
    crc.appendWord(crc32(Bytes(hash), body))
    if crc[...] != data.part(body.count).slice { throw damaged }
    return body
}

/// Check a `.kae` file; its block of one image.
func readImage(_ data: Bytes, _ context: Context) throws -> Block {
    try context.checkHead(data, imageMagic)
    let body = try checkFile(data, context.hash)
    var cursor = Cursor(body.part(headSize))
    guard let claims = try readClaims(&cursor, context.qualities) else { throw truncated }
    let payload = body.part(headSize + cursor.at)
    var budget = context.budget
    if let refusal = try budget.take(1, claims, payload.count) ?? budget.check(data.count) {
        throw KerasaeError.limit("The bitstream \(refusal)")
    }
    return Block(count: 1, height: claims.height, width: claims.width, quality: claims.quality, payload: payload)
}

/// Writes a stream block by block; see `Codec.streamWriter`.
public struct StreamWriter: Sendable {
    private let context: Context
    private var data: [UInt8]
    private var previous: [UInt8]  // the last CRC, or the head
    private var total = 0

    init(_ context: Context) {
        self.context = context
        data = context.head(streamMagic)
        previous = data
    }

    public mutating func put(_ block: Block) {
        var part: [UInt8] = []
        part.appendVarint(block.count)
        appendClaims(&part, context.qualities, block)
        part.appendVarint(block.size)
        part += block.payload.slice
        seal(part)
        total += block.count
    }

    /// The whole stream.
    public consuming func finish() -> [UInt8] {
        var part: [UInt8] = []
        part.appendVarint(0)
        part.appendVarint(total)
        seal(part)
        return data
    }

    private mutating func seal(_ part: [UInt8]) {
        let crc = crc32(Bytes(context.hash), Bytes(previous), Bytes(part))
        data += part
        previous = []
        previous.appendWord(crc)
        data += previous
    }
}
