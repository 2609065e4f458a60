/// The payload of blocks: classes of squares, and entropy-coded symbols (FORMAT.md, 4).
struct Payloads: Sendable {
    let layout: Layout
    let limits: Limits
    let codebook: Int

    func pack(_ tables: Tables, _ symbols: [Int32], _ count: Int, _ height: Int, _ width: Int) -> [UInt8] {
        var payload: [UInt8] = []
        if tables.classes == 1 {
            tables.encode(symbols, { _ in 0 }, &payload)
        } else {
            let groupOf = groups(height, width)
            let classes = tables.cheapestClasses(symbols, count * layout.groupCount(height, width), groupOf)
            packBits(classes, classBits(tables.classes), &payload)
            tables.encode(symbols, { Int(classes[groupOf($0)]) }, &payload)
        }
        return payload
    }

    func unpack(_ tables: Tables, _ block: Block) throws -> [Int32] {
        let rows = block.count * layout.count(block.height, block.width) / tables.channels
        let symbols: [Int32]
        if tables.classes == 1 {
            symbols = try tables.decode(block.payload, rows, { _ in 0 }, limits)
        } else {
            let count = block.count * layout.groupCount(block.height, block.width)
            let bits = classBits(tables.classes)
            let classes = try unpackBits(block.payload, count, bits)
            if classes.contains(where: { $0 >= tables.classes }) {
                throw KerasaeError.corrupt("The payload names a class that does not exist.")
            }
            let groupOf = groups(block.height, block.width)
            let rest = block.payload.part(ceilDiv(count * bits, 8))
            symbols = try tables.decode(rest, rows, { Int(classes[groupOf($0)]) }, limits)
        }
        if !areIndices(symbols) { throw KerasaeError.corrupt("The payload holds a symbol that is no index.") }
        return symbols
    }

    /// Whether symbols are within the codebook, if there is one: a decoder may do anything else.
    func areIndices(_ symbols: [Int32]) -> Bool {
        codebook == 0 || symbols.allSatisfy { $0 >= 0 && $0 < codebook }
    }

    /// The square of each cell, cells of several images counted on; only cells of a grid have classes.
    private func groups(_ height: Int, _ width: Int) -> (Int) -> Int {
        let columns = layout.columns(width)
        let cells = layout.rows(height) * columns
        let side = layout.group
        let across = ceilDiv(columns, side)
        let each = layout.groupCount(height, width)
        return { cell in
            let inside = cell % cells
            return cell / cells * each + inside / columns / side * across + inside % columns / side
        }
    }
}

/// What goes between an image, its symbols and the tensors of a tile.
struct TileWork {
    let layout: Layout
    let channels: Int
    let steps: [Double]

    func pixels(_ image: Image, _ row: TileSpan, _ column: TileSpan) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(layout.tileHeight * layout.tileWidth * channels)
        for y in 0..<layout.tileHeight {
            for x in 0..<layout.tileWidth {
                // Beyond its edges the image goes on with its last row and column.
                let fromY = min(row.origin * layout.pitchY + y, image.height - 1)
                let fromX = min(column.origin * layout.pitchX + x, image.width - 1)
                let from = (fromY * image.width + fromX) * channels
                for c in 0..<channels { values.append(Double(image.data[from + c]) / 255) }
            }
        }
        return values
    }

    func takeSymbols(
        _ code: [Double], _ row: TileSpan, _ column: TileSpan, _ width: Int, _ to: inout [Int32]
    ) throws {
        let columns = layout.columns(width)
        for y in row.start..<row.stop {
            for x in column.start..<column.stop {
                let from = ((y - row.origin) * layout.tileColumns + x - column.origin) * layout.depth
                let at = (y * columns + x) * layout.depth
                for i in 0..<layout.depth { to[at + i] = try symbolOf(code[from + i], steps[i % steps.count]) }
            }
        }
    }

    func code(_ coded: Coded, _ row: TileSpan, _ column: TileSpan) -> [Double] {
        let rows = layout.rows(coded.height)
        let columns = layout.columns(coded.width)
        var values: [Double] = []
        for y in 0..<layout.tileRows {
            for x in 0..<layout.tileColumns {
                // A code smaller than a tile goes on with its last cells.
                let fromY = min(row.origin + y, rows - 1)
                let fromX = min(column.origin + x, columns - 1)
                let from = (fromY * columns + fromX) * layout.depth
                for i in 0..<layout.depth {
                    values.append(Double(coded.symbols[from + i]) * steps[i % steps.count])
                }
            }
        }
        return values
    }

    func takePixels(_ pixels: [UInt8], _ row: TileSpan, _ column: TileSpan, _ to: inout Image) {
        let bottom = min(row.stop * layout.pitchY, to.height)
        let right = min(column.stop * layout.pitchX, to.width)
        for y in row.start * layout.pitchY..<bottom {
            for x in column.start * layout.pitchX..<right {
                let fromY = y - row.origin * layout.pitchY
                let from = (fromY * layout.tileWidth + x - column.origin * layout.pitchX) * channels
                let at = (y * to.width + x) * channels
                for c in 0..<channels { to.data[at + c] = pixels[from + c] }
            }
        }
    }
}
