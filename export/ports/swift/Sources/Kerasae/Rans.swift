// Interleaved rANS (FORMAT.md, 4.3).

private let lowState: UInt32 = 1 << 16  // a state in use is not below
private let byteFrequency: UInt32 = 16  // of each value of a plain byte

/// Where an entry starts, and its frequency.
struct Entry: Sendable {
    var start: UInt32
    var frequency: UInt32
}

/// Writes what `RansDecoder` reads; everything is given in the reverse order of decoding.
struct RansEncoder {
    private var states: [UInt32]
    private var words: [UInt16] = []  // the last one is decoded first

    init(lanes: Int) {
        states = [UInt32](repeating: lanes == 1 ? 0 : lowState, count: lanes)
    }

    mutating func put(_ lane: Int, _ entry: Entry) {
        var x = states[lane]
        if UInt64(x) >= UInt64(entry.frequency) << 20 {
            words.append(UInt16(truncatingIfNeeded: x))
            x >>= 16
        }
        let (quotient, rest) = x.quotientAndRemainder(dividingBy: entry.frequency)
        states[lane] = quotient << 12 + rest + entry.start
    }

    /// A byte of an escaped symbol.
    mutating func putByte(_ value: UInt8) {
        put(0, Entry(start: byteFrequency * UInt32(value), frequency: byteFrequency))
    }

    func finish(_ to: inout [UInt8]) {
        var size: UInt32 = 4
        if states.count == 1 {
            size = 0
            while size < 4 && states[0] >> (8 * size) != 0 { size += 1 }
        }
        for state in states {
            for i in 0..<size { to.append(UInt8(truncatingIfNeeded: state >> (8 * i))) }
        }
        for word in words.reversed() {
            to.append(UInt8(truncatingIfNeeded: word))
            to.append(UInt8(truncatingIfNeeded: word >> 8))
        }
    }
}

struct RansDecoder {
    private let data: Bytes
    private var states: [UInt32] = []
    private var at = 0

    init(_ data: Bytes, lanes: Int) throws {
        self.data = data
        let size = lanes > 1 ? 4 : data.count <= 4 ? data.count : 4 - data.count % 2
        if data.count < size * lanes || (lanes > 1 && data.count % 2 != 0) {
            throw KerasaeError.corrupt("The entropy-coded data is too short for its symbols.")
        }
        if lanes == 1 && size > 0 && data[size - 1] == 0 {
            throw KerasaeError.corrupt("The entropy-coded data starts with an overlong state.")
        }
        states.reserveCapacity(lanes)
        for _ in 0..<lanes {
            var state: UInt32 = 0
            for i in (0..<size).reversed() { state = state << 8 | UInt32(data[at + i]) }
            at += size
            if lanes > 1 && state < lowState {
                throw KerasaeError.corrupt("The entropy-coded data starts with a state too small.")
            }
            states.append(state)
        }
    }

    func slot(_ lane: Int) -> Int { Int(states[lane] & 4095) }

    /// Leave the interval that the slot of a lane lies in.
    mutating func advance(_ lane: Int, _ entry: Entry) throws {
        let state = states[lane]
        var x = entry.frequency &* (state >> 12) &+ (state & 4095) &- entry.start
        if x < lowState {
            if at < data.count {
                x = x << 16 | UInt32(data[at]) | UInt32(data[at + 1]) << 8
                at += 2
            } else if states.count > 1 {
                throw KerasaeError.corrupt("The entropy-coded data ends before its symbols do.")
            }
        }
        states[lane] = x
    }

    /// The varint of an escaped symbol.
    mutating func varint() throws -> Int {
        try readVarint {
            let value = UInt32(slot(0)) / byteFrequency
            try advance(0, Entry(start: byteFrequency * value, frequency: byteFrequency))
            return UInt8(value)
        } ?? 0
    }

    /// Check that the data ends here, as the encoder would have ended it.
    func finish() throws {
        let start = states.count == 1 ? 0 : lowState
        if at != data.count || states.contains(where: { $0 != start }) {
            throw KerasaeError.corrupt("The entropy-coded data does not end where it should.")
        }
    }
}

/// What follows an escape for a symbol `entry` entries behind the first of `escape`; nil for none.
func escapeValue(_ entry: Int, _ escape: Int) -> Int? {
    if entry < 0 { return 2 * (-1 - entry) + 1 }
    return entry < escape ? nil : 2 * (entry - escape)
}

/// The symbol of what follows an escape.
func escapedSymbol(_ value: Int, _ offset: Int, _ escape: Int) -> Int {
    value % 2 != 0 ? offset - 1 - value / 2 : offset + escape + value / 2
}
