/// A view of bytes that lie one after the other, without a copy.
struct Bytes: Sendable {
    let array: [UInt8]
    let from: Int
    let to: Int

    init(_ array: [UInt8]) {
        self.init(array, 0, array.count)
    }

    init(_ array: [UInt8], _ from: Int, _ to: Int) {
        self.array = array
        self.from = from
        self.to = to
    }

    var count: Int { to - from }
    subscript(i: Int) -> UInt8 { array[from + i] }
    var slice: ArraySlice<UInt8> { array[from..<to] }

    func part(_ first: Int, _ stop: Int? = nil) -> Bytes {
        Bytes(array, from + first, stop.map { from + $0 } ?? to)
    }
}

extension [UInt8] {
    /// The shortest encoding of an unsigned integer: seven bits a byte, the low ones first.
    mutating func appendVarint(_ value: Int) {
        var rest = value
        while rest > 127 {
            append(UInt8(rest % 128 + 128))
            rest >>= 7
        }
        append(UInt8(rest))
    }

    /// The four bytes of a CRC or a state, low ones first.
    mutating func appendWord(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

/// How many bytes a varint takes.
func varintSize(_ value: Int) -> Int {
    var size = 1
    var rest = value >> 7
    while rest != 0 {
        rest >>= 7
        size += 1
    }
    return size
}

/// Read a varint, only its shortest encoding; `next` gives a byte, or nil where the data ends; so does this.
func readVarint(_ next: () throws -> UInt8?) throws -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 35, by: 7) {
        guard let byte = try next() else { return nil }
        value |= Int(byte & 127) << shift
        if byte < 128 {
            if shift > 0 && byte == 0 { break }
            return value
        }
    }
    throw KerasaeError.corrupt("The bitstream holds a malformed number.")
}

/// Reads in order; nil is given where the data ends.
struct Cursor {
    let data: Bytes
    private(set) var at = 0

    init(_ data: Bytes) {
        self.data = data
    }

    mutating func byte() -> UInt8? {
        if at == data.count { return nil }
        at += 1
        return data[at - 1]
    }

    mutating func varint() throws -> Int? {
        try readVarint { byte() }
    }

    mutating func take(_ size: Int) -> Bytes? {
        if size > data.count - at { return nil }
        at += size
        return data.part(at - size, at)
    }
}

private let digits = Array("0123456789abcdef".utf8)

/// Bytes as lower-case hexadecimal digits.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes of lower-case hexadecimal digits.
func fromHex(_ text: some Sequence<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text {
        let value = digit <= 57 ? digit - 48 : digit - 87
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}
