/// The entropy coder with the tables of a quality: a set for each class, a table for each channel.
struct Tables: Sendable {
    let channels: Int
    let classes: Int
    private let tables: [Coded]
    private let entries: [Entry]
    private let shift: Int
    private let slots: [UInt16]  // the entry of each slot, or every 16th, of each table

    private struct Coded: Sendable {
        let base: Int  // of its entries
        let offset: Int
        let escape: Int  // the index of its last entry
    }

    private static let mostExact = 32  // tables whose slots stay in a cache

    init(_ quality: Quality) {
        channels = quality.mantissas.count
        classes = quality.classes
        shift = quality.tables.count <= Self.mostExact ? 0 : 4
        var tables: [Coded] = []
        var entries: [Entry] = []
        var slots: [UInt16] = []
        for table in quality.tables {
            let escape = table.frequencies.count - 1
            tables.append(Coded(base: entries.count, offset: table.offset, escape: escape))
            var start = 0
            var slot = 0
            for (j, frequency) in table.frequencies.enumerated() {
                entries.append(Entry(start: UInt32(start), frequency: UInt32(frequency)))
                start += frequency
                while slot < start {
                    slots.append(UInt16(j))
                    slot += 1 << shift
                }
            }
        }
        (self.tables, self.entries, self.slots) = (tables, entries, slots)
    }

    /// Append the code of symbols, channels running fastest; `classOf` gives the class of each row of channels.
    func encode(_ symbols: [Int32], _ classOf: (Int) -> Int, _ to: inout [UInt8]) {
        let lanes = laneCount(symbols.count)
        var encoder = RansEncoder(lanes: lanes)
        let rows = symbols.count / channels
        var tail: [UInt8] = []
        for row in 0..<rows {
            let first = classOf(row) * channels
            for c in 0..<channels {
                let table = tables[first + c]
                let entry = Int(symbols[row * channels + c]) - table.offset
                if let value = escapeValue(entry, table.escape) { tail.appendVarint(value) }
            }
        }
        for byte in tail.reversed() { encoder.putByte(byte) }
        for row in (0..<rows).reversed() {
            let first = classOf(row) * channels
            for c in (0..<channels).reversed() {
                let i = row * channels + c
                let table = tables[first + c]
                encoder.put(i % lanes, entries[table.base + entryOf(table, symbols[i])])
            }
        }
        encoder.finish(&to)
    }

    /// Decode rows of symbols.
    ///
    /// - Throws: `corrupt` if the bytes are not exactly those that `encode` gives, `limit` if more symbols are
    ///   escaped than are allowed.
    func decode(_ data: Bytes, _ rows: Int, _ classOf: (Int) -> Int, _ limits: Limits) throws -> [Int32] {
        let lanes = laneCount(rows * channels)
        var decoder = try RansDecoder(data, lanes: lanes)
        var symbols: [Int32] = []  // memory follows what has been decoded, not what was claimed
        var escaped: [(at: Int, table: Int)] = []
        var escapes = 0
        var lane = 0
        for row in 0..<rows {
            let first = classOf(row) * channels
            for i in first..<first + channels {
                let table = tables[i]
                let slot = decoder.slot(lane)
                let at: Int = (i << (12 - shift)) + (slot >> shift)
                var j = Int(slots[at])
                while slot >= Int(entries[table.base + j].start + entries[table.base + j].frequency) { j += 1 }
                try decoder.advance(lane, entries[table.base + j])
                if j == table.escape {
                    escapes += 1
                    if escapes <= limits.escapes { escaped.append((symbols.count, i)) }
                }
                symbols.append(Int32(table.offset + j))
                lane = lane + 1 == lanes ? 0 : lane + 1
            }
        }
        try limits.checkEscapes(escapes)
        for place in escaped {
            let table = tables[place.table]
            let symbol = escapedSymbol(try decoder.varint(), table.offset, table.escape)
            guard let exact = Int32(exactly: symbol) else {
                throw KerasaeError.corrupt("The entropy-coded data holds a symbol over 32 bits.")
            }
            symbols[place.at] = exact
        }
        try decoder.finish()
        return symbols
    }

    /// For each group of rows, the first class that codes it at the least cost.
    func cheapestClasses(_ symbols: [Int32], _ groups: Int, _ groupOf: (Int) -> Int) -> [UInt8] {
        var sums = [Int](repeating: 0, count: groups * classes)
        for row in 0..<symbols.count / channels {
            let at = groupOf(row) * classes
            for c in 0..<channels {
                let symbol = symbols[row * channels + c]
                for k in 0..<classes { sums[at + k] += cost(tables[k * channels + c], symbol) }
            }
        }
        return (0..<groups).map { group in
            let at = group * classes
            var best = 0
            for k in 1..<max(1, classes) where sums[at + k] < sums[at + best] { best = k }
            return UInt8(best)
        }
    }

    private func entryOf(_ table: Coded, _ symbol: Int32) -> Int {
        let entry = Int(symbol) - table.offset
        return entry >= 0 && entry < table.escape ? entry : table.escape
    }

    private func cost(_ table: Coded, _ symbol: Int32) -> Int {
        let bytes = escapeValue(Int(symbol) - table.offset, table.escape).map(varintSize) ?? 0
        return costs[Int(entries[table.base + entryOf(table, symbol)].frequency)] + 2048 * bytes
    }
}

/// What a symbol of each frequency costs, in 256ths of a bit.
private let costs: [Int] = (0...total).map { (frequency: Int) -> Int in
    if frequency == 0 { return 0 }
    let cost: Double = 256 * (12 - log2(Double(frequency)))
    return Int((cost + 0.5).rounded(.down))
}

/// Without a library of mathematics: the exponent, and the series of the logarithm's inverse tangent.
private func log2(_ x: Double) -> Double {
    let t = (x.significand - 1) / (x.significand + 1)
    var (sum, power) = (0.0, t)
    for i in stride(from: 1, to: 80, by: 2) {
        sum += power / Double(i)
        power *= t * t
    }
    return Double(x.exponent) + 2 * sum / 0.693147180559945309417
}

/// Append integers of `width` bits each, one after the other, low bits first.
func packBits(_ values: [UInt8], _ width: Int, _ to: inout [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: ceilDiv(values.count * width, 8))
    for (i, value) in values.enumerated() {
        for bit in 0..<width {
            let at = i * width + bit
            bytes[at / 8] |= (value >> UInt8(bit) & 1) << UInt8(at % 8)
        }
    }
    to += bytes
}

/// So many integers from the front of the data.
func unpackBits(_ data: Bytes, _ count: Int, _ width: Int) throws -> [UInt8] {
    let size = ceilDiv(count * width, 8)
    if data.count < size { throw KerasaeError.corrupt("The payload is too short for its classes.") }
    var values = [UInt8](repeating: 0, count: count)
    for at in 0..<8 * size {
        let bit = data[at / 8] >> UInt8(at % 8) & 1
        if at < count * width {
            values[at / width] |= bit << UInt8(at % width)
        } else if bit != 0 {
            throw KerasaeError.corrupt("The payload has bits set behind its classes.")
        }
    }
    return values
}
