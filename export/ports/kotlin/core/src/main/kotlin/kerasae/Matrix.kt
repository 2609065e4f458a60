package kerasae

import kotlin.math.abs
import kotlin.math.floor

/**
 * A square matrix of a family, and its inverse in units of 2^-16, rounded to integers.
 *
 * @param values in units of 2^-14
 */
internal class Matrix(values: IntArray, private val size: Int) {
    val values = DoubleArray(size * size) { values[it] / 16384.0 }
    val inverse = DoubleArray(size * size)

    /** The largest sum of magnitudes in a row of the inverse; not a number where its integers are not certain. */
    val gain: Double

    init {
        gain = if (invert()) rounded() else Double.NaN
    }

    /** By Gauss and Jordan, with the largest pivot; false if there is no inverse. */
    private fun invert(): Boolean {
        val left = values.copyOf()
        for (i in 0 until size) inverse[i * size + i] = 1.0
        for (column in 0 until size) {
            var pivot = column
            for (row in column + 1 until size) {
                if (abs(left[row * size + column]) > abs(left[pivot * size + column])) pivot = row
            }
            val largest = left[pivot * size + column]
            if (largest == 0.0 || largest.isNaN()) return false
            for (part in arrayOf(left, inverse)) for (k in 0 until size) {
                val moved = part[pivot * size + k]
                part[pivot * size + k] = part[column * size + k]
                part[column * size + k] = moved / largest
            }
            for (row in 0 until size) {
                if (row == column) continue
                val share = left[row * size + column]
                for (part in arrayOf(left, inverse)) for (k in 0 until size) {
                    part[row * size + k] -= share * part[column * size + k]
                }
            }
        }
        return true
    }

    private fun rounded(): Double {
        var largest = 0.0
        for (row in 0 until size) {
            var sum = 0.0
            for (i in row * size until (row + 1) * size) {
                sum += abs(inverse[i])
                val value = 65536 * inverse[i]
                if (!(abs(value - floor(value) - 0.5) >= 1.0 / (1 shl 20))) return Double.NaN
                inverse[i] = floor(value + 0.5)
            }
            largest = maxOf(largest, sum)
        }
        return largest
    }
}
