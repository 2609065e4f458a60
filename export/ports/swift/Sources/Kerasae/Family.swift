// `family.json`, the integer tables of version 2 (FORMAT.md, 9). It is untrusted input: every field is checked,
// errors name the field.

let cellSide = 16  // pixels along each side of a cell
let cellArea = cellSide * cellSide
let planes = 3
let photoChannels = planes * cellArea
let photoContexts = 10
let photoBuckets = 8
let photoQualities = 100
private let maxFamilyBytes = 4 << 20

/// A table of version 2, ready to code with.
struct PhotoTable: Sendable {
    let offset: Int
    let escape: Int  // the index of the last entry
    let rebuild: [Double]  // added to magnitude 1, and to larger ones
    let entries: [Entry]
    let slots: [UInt16]  // the entry of each slot

    fileprivate init(_ fields: Fields) throws {
        try fields.only(["frequencies", "offset", "rebuild"])
        offset = try fields.int("offset", -32767...32767)
        let frequencies = try readFrequencies(fields)
        escape = frequencies.count - 1
        if offset + escape > 1 << 15 { throw fields.failure("offset", "such that symbols fit in 16 bits") }
        rebuild = try fields.ints("rebuild", -256...256, 2...2).map { Double($0) / 256 }
        var entries: [Entry] = []
        var slots: [UInt16] = []
        for (j, frequency) in frequencies.enumerated() {
            entries.append(Entry(start: UInt32(slots.count), frequency: UInt32(frequency)))
            slots += repeatElement(UInt16(j), count: frequency)
        }
        (self.entries, self.slots) = (entries, slots)
    }

    /// The entry of a symbol: the escape's where it has none of its own.
    func entryOf(_ symbol: Int) -> Int {
        let entry = symbol - offset
        return entry >= 0 && entry < escape ? entry : escape
    }
}

/// What all files of a family share: the content of `family.json`.
public struct Family: Sendable {
    let hash: [UInt8]
    let steps: [Int]  // in 64ths of a level of 255
    let tables: [PhotoTable]
    let levels: [UInt8]  // for each level the table of each context
    let classes: [UInt8]  // for each class the level of each channel
    let count: Int  // of classes
    let costs: [Int]  // for each level that of each bucket
    let groups: [Int]
    let neighbours: Int
    let bands: Int
    let classEnds: [Int]  // for each class table where each class ends
    let colour: Matrix
    let block: Matrix
    let overlap: Matrix

    /// Parse and check the content of `family.json`; throws `KerasaeError.bundle` if a field breaks its rule.
    public init(parsing content: [UInt8]) throws {
        let fields = try Fields(parsing: content, file: "family.json", most: maxFamilyBytes)
        try fields.only([
            "format", "format_version", "colour", "block", "overlap", "steps", "classes", "levels", "costs",
            "tables", "groups", "neighbours", "bands", "class_frequencies",
        ])
        if try fields.text("format") != "kerasae-family" { throw fields.failure("format", "`kerasae-family`") }
        _ = try fields.int("format_version", 2...2)
        hash = sha256(content)
        steps = try fields.ints("steps", 1...1 << 20, photoQualities...photoQualities)
        for i in 1..<steps.count where steps[i] >= steps[i - 1] { throw fields.failure("steps", "falling") }
        var tables: [PhotoTable] = []
        try fields.each("tables", 1...64) { tables.append(try PhotoTable($0)) }
        self.tables = tables
        let levels = try readBase64(fields, "levels", photoContexts)
        self.levels = levels
        let rows = levels.count / photoContexts
        if !(2...65).contains(rows) || levels.contains(where: { $0 >= tables.count }) {
            throw fields.failure("levels", "2 to 65 rows of tables")
        }
        let classes = try readBase64(fields, "classes", photoChannels)
        self.classes = classes
        count = classes.count / photoChannels
        let good = classes.indices.allSatisfy { classes[$0] < rows && (classes[$0] > 0 || $0 % cellArea != 0) }
        if count > 64 || !good {
            throw fields.failure("classes", "1 to 64 rows of levels, not 0 for lowest coefficients")
        }
        costs = try fields.ints("costs", 0...1 << 13, rows * photoBuckets...rows * photoBuckets)
        neighbours = try fields.int("neighbours", 1...64)
        bands = try fields.int("bands", 1...photoQualities)
        groups = try fields.ints("groups", 0...neighbours - 1, count...count)
        classEnds = try readClassEnds(fields, count, bands * (neighbours + 1) * (neighbours + 1))
        let allowed = -(1 << 17)...(1 << 17)
        colour = Matrix(try fields.ints("colour", allowed, 9...9), planes)
        block = Matrix(try fields.ints("block", allowed, cellArea...cellArea), cellSide)
        overlap = Matrix(try fields.ints("overlap", allowed, cellArea...cellArea), cellSide)
        let oneWay = block.gain * (overlap.gain < 1 ? 1 : overlap.gain)
        if !(colour.gain * oneWay * oneWay <= 2048) {
            throw fields.failure("block", "invertible, as are `colour` and `overlap`")
        }
    }

    /// Four hexadecimal digits, by which files name it.
    public var id: String { hex(hash.prefix(2)) }

    /// The table of the class of a cell, by its left and its upper neighbour: its first row in `classEnds`.
    func classRow(_ cells: [UInt8], _ cell: Int, _ columns: Int, _ quality: Int) -> Int {
        let left = cell % columns > 0 ? groups[Int(cells[cell - 1])] : neighbours
        let above = cell >= columns ? groups[Int(cells[cell - columns])] : neighbours
        let band = (quality - 1) * bands / photoQualities
        return ((band * (neighbours + 1) + left) * (neighbours + 1) + above) * count
    }

    /// How many symbols cells of these classes code.
    func countCoded(_ cells: [UInt8]) -> Int {
        var coded = [Int](repeating: 0, count: count)
        for (i, level) in classes.enumerated() where level > 0 { coded[i / photoChannels] += 1 }
        return cells.reduce(0) { $0 + coded[Int($1)] }
    }

    /// For each class where its tables of a channel by context begin in `levels`, or -1 where none is coded.
    func names(_ channel: Int) -> [Int] {
        (0..<count).map { k in
            let level = Int(classes[k * photoChannels + channel])
            return level > 0 ? level * photoContexts : -1
        }
    }
}

private func digit(_ letter: UInt8) -> Int? {
    switch Unicode.Scalar(letter) {
    case "A"..."Z": return Int(letter) - 65
    case "a"..."z": return Int(letter) - 71
    case "0"..."9": return Int(letter) + 4
    case "+": return 62
    case "/": return 63
    default: return nil
    }
}

/// Rows of `width` bytes each, which are written in base64.
private func readBase64(_ fields: Fields, _ name: String, _ width: Int) throws -> [UInt8] {
    let text = try fields.bytes(name)
    let failure = fields.failure(name, "base64 of rows of \(width) bytes")
    var length = text.count
    for _ in 0..<2 where length > 0 && text[length - 1] == UInt8(ascii: "=") { length -= 1 }
    if text.count % 4 != 0 { throw failure }
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    for i in 0..<length {
        guard let value = digit(text[i]) else { throw failure }
        bits = bits << 6 | UInt32(value)
        if i % 4 != 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (i % 4)))) }
    }
    if bytes.isEmpty || bytes.count % width != 0 { throw failure }
    return bytes
}

private func readClassEnds(_ fields: Fields, _ count: Int, _ rows: Int) throws -> [Int] {
    if rows > 1 << 14 { throw fields.failure("bands", "such that there are at most 16384 class tables") }
    let bytes = try readBase64(fields, "class_frequencies", 2 * count)
    let failure = fields.failure("class_frequencies", "\(rows) rows of positive numbers of sum \(total)")
    if bytes.count != 2 * count * rows { throw failure }
    var ends: [Int] = []
    for row in 0..<rows {
        var end = 0
        for i in row * count..<(row + 1) * count {
            let frequency = Int(bytes[2 * i]) | Int(bytes[2 * i + 1]) << 8
            end += frequency
            if frequency == 0 || end > total { throw failure }
            ends.append(end)
        }
        if end != total { throw failure }
    }
    return ends
}
