/// A square matrix of a family, and its inverse in units of 2^-16, rounded to integers.
struct Matrix: Sendable {
    let values: [Double]
    let inverse: [Double]

    /// The largest sum of magnitudes in a row of the inverse; not a number where its integers are not certain.
    let gain: Double

    /// - Parameter units: in units of 2^-14
    init(_ units: [Int], _ size: Int) {
        values = units.map { Double($0) / 16384 }
        var inverse = invert(values, size)
        var largest = inverse.isEmpty ? Double.nan : 0
        for row in 0..<(inverse.isEmpty ? 0 : size) {
            var sum = 0.0
            for i in row * size..<(row + 1) * size {
                sum += abs(inverse[i])
                let value = 65536 * inverse[i]
                if !(abs(value - value.rounded(.down) - 0.5) >= 1.0 / Double(1 << 20)) { largest = .nan }
                inverse[i] = (value + 0.5).rounded(.down)
            }
            if sum > largest { largest = sum }
        }
        self.inverse = inverse
        gain = largest
    }
}

/// The inverse by Gauss and Jordan, with the largest pivot; empty if there is none.
private func invert(_ values: [Double], _ size: Int) -> [Double] {
    // Rows of the matrix, and beside them those of the inverse.
    var rows: [[Double]] = []
    for i in 0..<size {
        var row = Array(values[i * size..<(i + 1) * size]) + [Double](repeating: 0, count: size)
        row[size + i] = 1
        rows.append(row)
    }
    for column in 0..<size {
        var pivot = column
        for row in column..<size where abs(rows[row][column]) > abs(rows[pivot][column]) { pivot = row }
        let largest = rows[pivot][column]
        if !(largest != 0) || largest.isNaN { return [] }
        rows.swapAt(pivot, column)
        rows[column] = rows[column].map { $0 / largest }
        for row in 0..<size where row != column {
            let share = rows[row][column]
            for k in 0..<2 * size { rows[row][k] -= share * rows[column][k] }
        }
    }
    return rows.flatMap { $0[size...] }
}
