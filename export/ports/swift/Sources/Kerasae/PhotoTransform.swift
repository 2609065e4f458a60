// The transform of photographs, row of cells by row of cells (FORMAT.md, 11 and 12): pixels to coefficients in
// integers, which doubles hold exactly, and symbols to pixels.

private let half = cellSide / 2

/// 16 lines of pixels of a plane, 16 neighbours of a line at a time.
private struct Strip {
    var samples: [SIMD16<Double>]
    let across: Int  // groups of 16 in a line

    init(across: Int) {
        self.across = across
        samples = [SIMD16<Double>](repeating: .zero, count: cellSide * across)
    }
}

/// Products of a 16 x 16 matrix with 16 neighbouring samples.
private struct Product {
    private let matrix: [Double]
    private let columns: [SIMD16<Double>]
    private let whole: Bool

    /// - Parameters:
    ///   - unit: what 1 is in the matrix that is given
    ///   - whole: whether results are rounded to whole numbers, halves up
    init(_ matrix: [Double], unit: Double, whole: Bool) {
        let matrix = matrix.map { $0 / unit }
        self.matrix = matrix
        columns = (0..<cellSide).map { (j: Int) -> SIMD16<Double> in
            var column = SIMD16<Double>.zero
            for i in 0..<cellSide { column[i] = matrix[i * cellSide + j] }
            return column
        }
        self.whole = whole
    }

    private func stored(_ sum: SIMD16<Double>) -> SIMD16<Double> {
        whole ? (sum + 0.5).rounded(.down) : sum
    }

    private func times(_ samples: SIMD16<Double>) -> SIMD16<Double> {
        var sum = SIMD16<Double>.zero
        for j in 0..<cellSide { sum += columns[j] * samples[j] }
        return stored(sum)
    }

    /// Replace each 16 neighbours of lines.
    func across(_ strip: inout Strip) {
        for at in strip.samples.indices { strip.samples[at] = times(strip.samples[at]) }
    }

    /// Replace the 16 neighbours around each boundary of two groups of 16.
    func acrossBoundaries(_ strip: inout Strip) {
        for y in 0..<cellSide {
            for x in 1..<max(1, strip.across) {
                let at = y * strip.across + x
                let (left, right) = (strip.samples[at - 1], strip.samples[at])
                let joined = times(SIMD16(lowHalf: left.highHalf, highHalf: right.lowHalf))
                strip.samples[at - 1].highHalf = joined.lowHalf
                strip.samples[at].lowHalf = joined.highHalf
            }
        }
    }

    private func down(_ at: Int, _ column: [SIMD16<Double>]) -> SIMD16<Double> {
        var sum = SIMD16<Double>.zero
        for j in 0..<cellSide { sum += column[j] * matrix[at * cellSide + j] }
        return stored(sum)
    }

    /// Replace the 16 samples one below the other.
    func down(_ strip: inout Strip) {
        for x in 0..<strip.across {
            var column = [SIMD16<Double>](repeating: .zero, count: cellSide)
            for i in 0..<cellSide { column[i] = strip.samples[i * strip.across + x] }
            for i in 0..<cellSide { strip.samples[i * strip.across + x] = down(i, column) }
        }
    }

    /// The same with the samples around the boundary of two rows of cells.
    func join(_ above: inout Strip, _ below: inout Strip) {
        for x in 0..<above.across {
            var column = [SIMD16<Double>](repeating: .zero, count: cellSide)
            for i in 0..<half {
                column[i] = above.samples[(half + i) * above.across + x]
                column[half + i] = below.samples[i * below.across + x]
            }
            for i in 0..<half {
                above.samples[(half + i) * above.across + x] = down(i, column)
                below.samples[i * below.across + x] = down(half + i, column)
            }
        }
    }
}

/// Visit the rows of cells: `begin` fills the strips of a row, those of two neighbours are joined by `overlap`,
/// and `finish` is given each of them when it has been joined to both.
private func visitRows(
    _ rows: Int, _ columns: Int, _ overlap: Product, begin: (inout [Strip], Int) throws -> Void,
    finish: (inout [Strip], Int) -> Void
) rethrows {
    var above = [Strip](repeating: Strip(across: columns), count: planes)
    var here = above
    for row in 0...rows {
        if row < rows { try begin(&here, row) }
        if row > 0 && row < rows { for plane in 0..<planes { overlap.join(&above[plane], &here[plane]) } }
        if row > 0 { finish(&above, row - 1) }
        swap(&above, &here)
    }
}

/// Coefficients in units of 2^-12 levels of 255: of each channel in each cell.
func analysePhoto(_ family: Family, _ image: Image) throws -> [[Int32]] {
    let (rows, columns) = (ceilDiv(image.height, cellSide), ceilDiv(image.width, cellSide))
    let block = Product(family.block.inverse, unit: 65536, whole: true)
    let overlap = Product(family.overlap.inverse, unit: 65536, whole: true)
    let shares = family.colour.inverse
    var coefficients = [[Int32]](
        repeating: [Int32](repeating: 0, count: rows * columns), count: photoChannels)
    try visitRows(rows, columns, overlap) { strips, row in
        try Task.checkCancellation()
        for y in 0..<cellSide {
            let from = min(row * cellSide + y, image.height - 1) * image.width
            for x in 0..<columns * cellSide {
                let at = (from + min(x, image.width - 1)) * planes
                for plane in 0..<planes {
                    var sum = 0.0
                    for i in 0..<planes { sum += shares[plane * planes + i] * Double(Int(image.data[at + i]) - 128) }
                    let rounded: Double = (sum / 16 + 0.5).rounded(.down)
                    strips[plane].samples[y * columns + x / cellSide][x % cellSide] = rounded
                }
            }
        }
    } finish: { strips, row in
        for plane in 0..<planes {
            block.down(&strips[plane])
            overlap.acrossBoundaries(&strips[plane])
            block.across(&strips[plane])
            for v in 0..<cellSide {
                for x in 0..<columns {
                    let samples = strips[plane].samples[v * columns + x]
                    for u in 0..<cellSide {
                        coefficients[channelOf(plane, v, u)][row * columns + x] = Int32(samples[u])
                    }
                }
            }
        }
    }
    return coefficients
}

/// The pixels of symbols.
func synthesisePhoto(_ family: Family, _ coded: PhotoSymbols, _ head: PhotoHead) throws -> Image {
    let columns = head.columns
    let block = Product(family.block.values, unit: 1, whole: false)
    let overlap = Product(family.overlap.values, unit: 1, whole: false)
    let colour = family.colour.values
    let step = Double(family.steps[head.quality - 1]) / 64
    var data = [UInt8](repeating: 0, count: head.height * head.width * planes)
    try visitRows(head.rows, columns, overlap) { strips, row in
        try Task.checkCancellation()
        for plane in 0..<planes {
            for v in 0..<cellSide {
                for u in 0..<cellSide {
                    let channel = channelOf(plane, v, u)
                    for x in 0..<columns {
                        let cell = row * columns + x
                        let symbol = coded.symbols[channel][cell]
                        var value = Double(symbol)
                        if v + u > 0 && symbol != 0 {
                            let table = Int(coded.tables[channel][cell])
                            let shift = family.tables[table].rebuild[symbol == 1 || symbol == -1 ? 0 : 1]
                            value += symbol > 0 ? shift : -shift
                        }
                        strips[plane].samples[v * columns + x][u] = value * step
                    }
                }
            }
            block.across(&strips[plane])
            overlap.acrossBoundaries(&strips[plane])
            block.down(&strips[plane])
        }
    } finish: { strips, row in
        for y in 0..<min(cellSide, head.height - row * cellSide) {
            var to = (row * cellSide + y) * head.width * planes
            for x in 0..<columns {
                let at = y * columns + x
                let (a, b, c) = (strips[0].samples[at], strips[1].samples[at], strips[2].samples[at])
                let count = min(cellSide, head.width - x * cellSide)
                for i in 0..<planes {
                    var level = SIMD16<Double>(repeating: 128.5)
                    level += a * colour[planes * i]
                    level += b * colour[planes * i + 1]
                    level += c * colour[planes * i + 2]
                    level.clamp(lowerBound: .zero, upperBound: SIMD16(repeating: 255))
                    for u in 0..<count { data[to + planes * u + i] = UInt8(level[u]) }
                }
                to += planes * count
            }
        }
    }
    return Image(data: data, height: head.height, width: head.width)
}
