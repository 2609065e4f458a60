// The payload of version 2: classes of cells, and symbols whose tables follow from them (FORMAT.md, 10).
// Everything is integer arithmetic.

/// What the payload of a photograph holds.
public struct PhotoSymbols: Sendable {
    /// Of each channel in each cell; lowest coefficients themselves, not as differences.
    public internal(set) var symbols: [[Int16]]
    /// Of the cells, row by row.
    public internal(set) var classes: [UInt8]
    /// The table of each symbol, 0 where none is coded.
    var tables: [[UInt8]]
}

private let large = 15  // larger magnitudes, and escaped ones, count as this

func channelOf(_ plane: Int, _ v: Int, _ u: Int) -> Int { (plane * cellSide + v) * cellSide + u }

/// A channel in the order of coding, and whether a stage begins with it.
private struct Channel {
    let plane: Int
    let v: Int
    let u: Int
    let begins: Bool
    var index: Int { channelOf(plane, v, u) }
}

private let channels: [Channel] = {
    var channels: [Channel] = []
    for d in 0..<2 * cellSide - 1 {
        for plane in 0..<planes {
            let first = max(0, d - cellSide + 1)
            for v in first...min(d, cellSide - 1) {
                channels.append(Channel(plane: plane, v: v, u: d - v, begins: v == first))
            }
        }
    }
    return channels
}()

/// The context of each sum of sizes.
private let contextOf: [UInt8] = (0..<256).map { sum in
    UInt8([0, 1, 2, 3, 5, 8, 12, 18, 28].filter { $0 < sum }.count)
}

/// Finds the context of each symbol of a channel from the sizes of those coded before it, of which three
/// diagonals of frequencies are kept.
private struct PhotoContexts {
    private let none: [UInt8]
    private var rows: [[UInt8]]

    init(cells: Int) {
        none = [UInt8](repeating: 0, count: cells)
        rows = [[UInt8]](repeating: none, count: 3 * planes * cellSide)
    }

    func find(_ channel: Channel) -> [UInt8] {
        let (plane, v, u) = (channel.plane, channel.v, channel.u)
        func at(_ there: Bool, _ p: Int, _ row: Int, _ column: Int) -> [UInt8] {
            // Lowest coefficients tell nothing of the others.
            there && (row + column > 0 || v + u == 0) ? rows[Self.row(p, row, column)] : none
        }
        let near = [
            at(v > 0, plane, v - 1, u), at(u > 0, plane, v, u - 1), at(plane > 0, plane - 1, v, u),
            at(plane == 2, 0, v, u),
        ]
        let far = [at(v > 1, plane, v - 2, u), at(u > 1, plane, v, u - 2)]
        var sums = none
        for row in near { for i in sums.indices { sums[i] &+= row[i] &<< 1 } }
        for row in far { for i in sums.indices { sums[i] &+= row[i] } }
        for i in sums.indices { sums[i] = contextOf[Int(sums[i])] }
        return sums
    }

    /// Keep the sizes of the symbols of a channel: all of them, 0 where none is coded.
    mutating func keep(_ sizes: [UInt8], _ channel: Channel) {
        rows[Self.row(channel.plane, channel.v, channel.u)] = sizes
    }

    private static func row(_ plane: Int, _ v: Int, _ u: Int) -> Int { ((v + u) % 3 * planes + plane) * cellSide + v }
}

/// The number closest to log2(n / 4096), within 0 to 10.
private func lanesLog2(_ n: Int) -> Int {
    var log2 = 0
    while log2 < 10 && product(n, n) > 1 << (2 * log2 + 25) { log2 += 1 }
    return log2
}

private func prediction(_ values: [Int16], _ cell: Int, _ columns: Int) -> Int {
    let left = cell % columns > 0
    let above = cell >= columns
    if !left { return above ? Int(values[cell - columns]) : 0 }
    if !above { return Int(values[cell - 1]) }
    let near: Int = Int(values[cell - 1]) + Int(values[cell - columns])
    let corner: Int = Int(values[cell - columns - 1])
    return floorDiv(3 * near - 2 * corner + 2, 4)
}

/// Replace the lowest coefficients by their differences from their prediction.
func predictLowest(_ symbols: inout [[Int16]], _ columns: Int) throws {
    for channel in stride(from: 0, to: photoChannels, by: cellArea) {
        let values = symbols[channel]
        symbols[channel] = try values.indices.map { cell in
            guard let difference = Int16(exactly: Int(values[cell]) - prediction(values, cell, columns)) else {
                throw KerasaeError.argument("The photograph must be such that differences fit in 16 bits.")
            }
            return difference
        }
    }
}

/// Undo `predictLowest`.
func unpredictLowest(_ symbols: inout [[Int16]], _ columns: Int) throws {
    for channel in stride(from: 0, to: photoChannels, by: cellArea) {
        var values = symbols[channel]
        for cell in values.indices {
            guard let value = Int16(exactly: Int(values[cell]) + prediction(values, cell, columns)) else {
                throw KerasaeError.corrupt("The bitstream holds a coefficient over 16 bits.")
            }
            values[cell] = value
        }
        symbols[channel] = values
    }
}

/// Code the symbols of a photograph: 0 where the class of the cell codes none, and lowest coefficients as
/// differences.
func packPhoto(
    _ family: Family, _ symbols: [[Int16]], _ classes: [UInt8], _ head: PhotoHead
) throws -> [UInt8] {
    var coded: [Entry] = []
    coded.reserveCapacity(family.countCoded(classes))
    var begins: [Int] = []  // of the stages
    var tail: [UInt8] = []
    var contexts = PhotoContexts(cells: classes.count)
    for channel in channels {
        try Task.checkCancellation()
        if channel.begins { begins.append(coded.count) }
        let names = family.names(channel.index)
        let context = contexts.find(channel)
        let own = symbols[channel.index]
        var sizes = [UInt8](repeating: 0, count: classes.count)
        for cell in classes.indices {
            let name = names[Int(classes[cell])]
            if name < 0 { continue }
            let which = Int(family.levels[name + Int(context[cell])])
            let symbol = Int(own[cell])
            let escape = family.tables[which].escape
            let entry = family.tables[which].entryOf(symbol)
            if entry == escape {
                tail.appendVarint(escapeValue(symbol - family.tables[which].offset, escape) ?? 0)
                sizes[cell] = UInt8(large)
            } else {
                sizes[cell] = UInt8(min(large, abs(symbol)))
            }
            coded.append(family.tables[which].entries[entry])
        }
        contexts.keep(sizes, channel)
    }
    let log2 = lanesLog2(coded.count)
    let lanes = 1 << log2
    var encoder = RansEncoder(lanes: lanes)
    for byte in tail.reversed() { encoder.putByte(byte) }
    var end = coded.count
    for begin in begins.reversed() {
        for i in (begin..<end).reversed() { encoder.put((i - begin) & (lanes - 1), coded[i]) }
        end = begin
    }
    for cell in classes.indices.reversed() {
        encoder.put(0, family.classEntry(family.classRow(classes, cell, head.columns, head.quality), classes[cell]))
    }
    var payload = [UInt8(log2)]
    encoder.finish(&payload)
    return payload
}

extension Family {
    fileprivate func classEntry(_ row: Int, _ k: UInt8) -> Entry {
        let start = k > 0 ? classEnds[row + Int(k) - 1] : 0
        return Entry(start: UInt32(start), frequency: UInt32(classEnds[row + Int(k)] - start))
    }
}

/// Decode what `packPhoto` gave.
///
/// - Throws: `corrupt` if the payload is not exactly one that an encoder can give, `limit` if more symbols are
///   escaped than are allowed.
func unpackPhoto(_ family: Family, _ payload: Bytes, _ head: PhotoHead, _ limits: Limits) throws -> PhotoSymbols {
    if payload.count == 0 || payload[0] > 10 {
        throw KerasaeError.corrupt("The payload names an impossible number of lanes.")
    }
    let lanes = 1 << Int(payload[0])
    var decoder = try RansDecoder(payload.part(1), lanes: lanes)
    let classes = try readClasses(family, &decoder, head)
    if family.countCoded(classes) > lanes << 14 && lanes < 1024 {
        throw KerasaeError.corrupt("The payload has fewer lanes than its symbols need.")
    }
    // Memory follows what has been decoded: channels are made one by one.
    var found = PhotoSymbols(
        symbols: [[Int16]](repeating: [], count: photoChannels), classes: classes,
        tables: [[UInt8]](repeating: [], count: photoChannels))
    var escaped: [(channel: Int, cell: Int)] = []
    var escapes = 0
    var i = 0
    var contexts = PhotoContexts(cells: classes.count)
    for channel in channels {
        try Task.checkCancellation()
        if channel.begins { i = 0 }
        let names = family.names(channel.index)
        let context = contexts.find(channel)
        var sizes = [UInt8](repeating: 0, count: classes.count)
        var own = [Int16](repeating: 0, count: classes.count)
        var ownTables = sizes
        for cell in classes.indices {
            let name = names[Int(classes[cell])]
            if name < 0 { continue }
            let which = Int(family.levels[name + Int(context[cell])])
            ownTables[cell] = UInt8(which)
            let lane = i & (lanes - 1)
            i += 1
            let j = Int(family.tables[which].slots[decoder.slot(lane)])
            try decoder.advance(lane, family.tables[which].entries[j])
            if j == family.tables[which].escape {
                escapes += 1
                if escapes <= limits.escapes { escaped.append((channel.index, cell)) }
                sizes[cell] = UInt8(large)
            } else {
                let symbol = family.tables[which].offset + j
                own[cell] = Int16(symbol)
                sizes[cell] = UInt8(min(large, abs(symbol)))
            }
        }
        contexts.keep(sizes, channel)
        found.symbols[channel.index] = own
        found.tables[channel.index] = ownTables
    }
    try limits.checkEscapes(escapes)
    for place in escaped {
        let table = family.tables[Int(found.tables[place.channel][place.cell])]
        guard let symbol = Int16(exactly: escapedSymbol(try decoder.varint(), table.offset, table.escape)) else {
            throw KerasaeError.corrupt("The bitstream holds a symbol over 16 bits.")
        }
        found.symbols[place.channel][place.cell] = symbol
    }
    try decoder.finish()
    return found
}

private func readClasses(_ family: Family, _ decoder: inout RansDecoder, _ head: PhotoHead) throws -> [UInt8] {
    var classes: [UInt8] = []
    for cell in 0..<head.rows * head.columns {
        let row = family.classRow(classes, cell, head.columns, head.quality)
        let slot = decoder.slot(0)
        var k = 0
        while family.classEnds[row + k] <= slot { k += 1 }
        classes.append(UInt8(k))
        try decoder.advance(0, family.classEntry(row, UInt8(k)))
    }
    return classes
}
