// CRC-32, as in zlib and PNG, and SHA-256 (FIPS 180-4).

private let crcTables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
        var value = UInt32(byte)
        for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        tables[byte] = value
    }
    for i in 256..<tables.count {
        let before = tables[i - 256]
        tables[i] = before >> 8 ^ tables[Int(before & 255)]
    }
    return tables
}()

private func crc32(_ bytes: Bytes, after before: UInt32) -> UInt32 {
    var crc = ~before
    crcTables.withUnsafeBufferPointer { t in
        bytes.slice.withUnsafeBufferPointer { b in
            var i = 0
            while b.count - i >= 8 {
                var next: UInt32 = 0
                for j in 0..<4 {
                    let byte = UInt8(truncatingIfNeeded: crc >> UInt32(8 * j)) ^ b[i + j]
                    next ^= t[256 * (7 - j) + Int(byte)]
                }
                for j in 4..<8 { next ^= t[256 * (7 - j) + Int(b[i + j])] }
                crc = next
                i += 8
            }
            while i < b.count {
                crc = crc >> 8 ^ t[Int((crc ^ UInt32(b[i])) & 255)]
                i += 1
            }
        }
    }
    return ~crc
}

/// CRC-32 over pieces that follow one another.
func crc32(_ pieces: Bytes...) -> UInt32 {
    pieces.reduce(0) { crc32($1, after: $0) }
}

/// SHA-256 of bytes that come in pieces.
struct SHA256 {
    private var state: [UInt32] = [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ]
    private var rest: [UInt8] = []
    private var length: UInt64 = 0
    private var w = [UInt32](repeating: 0, count: 64)

    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            rest.append(byte)
            length += 1
            if rest.count == 64 { compress() }
        }
    }

    /// The digest of all bytes.
    mutating func finish() -> [UInt8] {
        let bits = 8 * length
        update([0x80])
        while rest.count != 56 { update([0]) }
        for shift in stride(from: 56, through: 0, by: -8) { update([UInt8(truncatingIfNeeded: bits >> shift)]) }
        var digest: [UInt8] = []
        for word in state {
            for shift in stride(from: 24, through: 0, by: -8) {
                digest.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return digest
    }

    private static let rounds: [UInt32] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ]

    private mutating func compress() {
        func rotate(_ x: UInt32, _ bits: UInt32) -> UInt32 { x >> bits | x << (32 - bits) }
        for i in 0..<16 {
            var word: UInt32 = 0
            for j in 0..<4 { word = word << 8 | UInt32(rest[4 * i + j]) }
            w[i] = word
        }
        for i in 16..<64 {
            let x = w[i - 15]
            let y = w[i - 2]
            let first = rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)
            let second = rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10)
            w[i] = w[i - 16] &+ first &+ w[i - 7] &+ second
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for i in 0..<64 {
            let one = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
            let choice = (e & f) ^ (~e & g)
            let first = h &+ one &+ choice &+ Self.rounds[i] &+ w[i]
            let zero = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
            let second = zero &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
        }
        for (i, added) in [a, b, c, d, e, f, g, h].enumerated() { state[i] = state[i] &+ added }
        rest.removeAll(keepingCapacity: true)
    }
}

func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
}
