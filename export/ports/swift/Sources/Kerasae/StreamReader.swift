/// Reads a stream while it arrives: push bytes, take blocks, and say when no more bytes come.
///
///     var reader = codec.streamReader()
///     for try await piece in received {
///         try reader.push(piece)
///         while let block = try reader.next() { show(try codec.unpack(block)) }
///     }
///     reader.finish()
///     while let block = try reader.next() { show(try codec.unpack(block)) }
///
/// It accepts and refuses what a reader of the whole stream does. So a block that asks for more than the
/// bytes so far allow waits until more have come, or there are none.
public struct StreamReader: Sendable {
    private let context: Context
    private var budget: Budget
    private var buffer: [UInt8] = []
    private var at = 0
    private var received = 0
    private var total = 0
    private var previous: [UInt8] = []  // the last CRC, or the head
    private var crc: [UInt8]?  // of the block at hand, if it matched
    private var begun = false
    private var ended = false
    private var finished = false

    init(_ context: Context) {
        self.context = context
        budget = context.budget
    }

    init(_ context: Context, whole: [UInt8]) {
        self.init(context)
        buffer = whole
        received = whole.count
        finished = true
    }

    /// More bytes have come.
    public mutating func push(_ bytes: some Collection<UInt8>) throws {
        try require(!finished, "`push` must not be called after `finish`.")
        if at > 0 {
            buffer.removeFirst(at)
            at = 0
        }
        buffer += bytes
        received += bytes.count
    }

    /// No more bytes come.
    public mutating func finish() {
        finished = true
    }

    /// The next block, or nil: more bytes are needed, or after `finish`, the stream is over.
    ///
    /// - Throws: what a reader of the whole stream does, and again for each further call.
    public mutating func next() throws -> Block? {
        if !begun {
            if !(try begin()) { return nil }
        }
        if ended {
            if at != buffer.count { throw damaged }
            return nil
        }
        let rest = Bytes(buffer, at, buffer.count)
        var cursor = Cursor(rest)
        guard let count = try cursor.varint() else { return try more() }
        if count == 0 { return try end(rest, &cursor) }
        guard let claims = try readClaims(&cursor, context.qualities), let size = try cursor.varint() else {
            return try more()
        }
        var next = budget
        let refusal = try next.take(count, claims, size)
        guard let payload = cursor.take(size) else { return try more() }
        if !(try checkCrc(rest, &cursor)) { return try more() }
        if let refusal { throw KerasaeError.limit("The bitstream \(refusal)") }
        if let refusal = next.check(received) {
            if !finished { return nil }
            throw KerasaeError.limit("The bitstream \(refusal)")
        }
        budget = next
        total += count
        leave(cursor)
        return Block(
            count: count, height: claims.height, width: claims.width, quality: claims.quality, payload: payload)
    }

    private mutating func begin() throws -> Bool {
        if buffer.count < leastSize && !finished { return false }
        try context.checkHead(Bytes(buffer), streamMagic)
        previous = Array(buffer[..<headSize])
        at = headSize
        begun = true
        return true
    }

    private func more() throws -> Block? {
        if finished { throw truncated }
        return nil
    }

    private mutating func end(_ rest: Bytes, _ cursor: inout Cursor) throws -> Block? {
        guard let declared = try cursor.varint(), try checkCrc(rest, &cursor) else { return try more() }
        leave(cursor)
        if declared != total || at != buffer.count { throw damaged }
        ended = true
        return nil
    }

    /// Compare the next CRC with that of the bytes before; false where there are too few.
    private mutating func checkCrc(_ rest: Bytes, _ cursor: inout Cursor) throws -> Bool {
        let body = rest.part(0, cursor.at)
        guard let found = cursor.take(crcSize) else { return false }
        if crc == nil {
            var own: [UInt8] = []
            own.appendWord(crc32(Bytes(context.hash), Bytes(previous), body))
            if own[...] != found.slice { throw damaged }
            crc = own
        }
        return true
    }

    private mutating func leave(_ cursor: Cursor) {
        at += cursor.at
        previous = crc ?? []
        crc = nil
    }
}
