package kerasae

import kotlin.math.abs
import kotlin.math.floor

// The transform of photographs, row of cells by row of cells (FORMAT.md, 11 and 12): pixels to coefficients
// in integers, which doubles hold exactly, and symbols to pixels.

private const val HALF = CELL_SIDE / 2

/**
 * Products of a 16 x 16 matrix with 16 neighbouring samples of strips: 16 lines of pixels of a plane.
 *
 * @param unit what 1 is in the matrix that is given
 * @param whole whether results are rounded to whole numbers, halves up
 */
private class Product(matrix: DoubleArray, unit: Double, private val whole: Boolean) {
    private val matrix = DoubleArray(CELL_AREA) { matrix[it] / unit }
    private val transposed = DoubleArray(CELL_AREA) { this.matrix[it % CELL_SIDE * CELL_SIDE + it / CELL_SIDE] }
    private val sum = DoubleArray(CELL_SIDE)
    private val samples = DoubleArray(CELL_AREA)

    /** Replace each 16 neighbours of lines from one place of each line to another. */
    fun across(strip: DoubleArray, first: Int, stop: Int) {
        val line = strip.size / CELL_SIDE
        for (y in 0 until CELL_SIDE) for (at in y * line + first until y * line + stop step CELL_SIDE) {
            sum.fill(0.0)
            for (j in 0 until CELL_SIDE) {
                val sample = strip[at + j]
                for (i in 0 until CELL_SIDE) sum[i] += transposed[j * CELL_SIDE + i] * sample
            }
            store(strip, at)
        }
    }

    /** Replace the 16 samples one below the other: eight lines of one strip and eight of another. */
    fun down(above: DoubleArray, aboveFrom: Int, below: DoubleArray, belowFrom: Int) {
        val line = above.size / CELL_SIDE
        for (x in 0 until line step CELL_SIDE) {
            for (j in 0 until HALF) {
                val upper = (aboveFrom + j) * line + x
                val lower = (belowFrom + j) * line + x
                above.copyInto(samples, j * CELL_SIDE, upper, upper + CELL_SIDE)
                below.copyInto(samples, (HALF + j) * CELL_SIDE, lower, lower + CELL_SIDE)
            }
            for (i in 0 until CELL_SIDE) {
                sum.fill(0.0)
                for (j in 0 until CELL_SIDE) {
                    val factor = matrix[i * CELL_SIDE + j]
                    for (k in 0 until CELL_SIDE) sum[k] += factor * samples[j * CELL_SIDE + k]
                }
                if (i < HALF) store(above, (aboveFrom + i) * line + x)
                else store(below, (belowFrom + i - HALF) * line + x)
            }
        }
    }

    fun down(strip: DoubleArray) = down(strip, 0, strip, HALF)

    /** The same with the samples around the boundary of two rows of cells. */
    fun join(above: DoubleArray, below: DoubleArray) = down(above, HALF, below, 0)

    private fun store(to: DoubleArray, at: Int) {
        for (i in 0 until CELL_SIDE) to[at + i] = if (whole) floor(sum[i] + 0.5) else sum[i]
    }
}

/**
 * Visit the rows of cells: `begin` fills the strips of a row, those of two neighbours are joined by
 * `overlap`, and `finish` is given each of them when it has been joined to both.
 */
private inline fun visitRows(
    rows: Int,
    line: Int,
    overlap: Product,
    begin: (strips: Array<DoubleArray>, row: Int) -> Unit,
    finish: (strips: Array<DoubleArray>, row: Int) -> Unit,
) {
    var above = Array(PLANES) { DoubleArray(CELL_SIDE * line) }
    var here = Array(PLANES) { DoubleArray(CELL_SIDE * line) }
    for (row in 0..rows) {
        if (row < rows) begin(here, row)
        if (row in 1 until rows) for (plane in 0 until PLANES) overlap.join(above[plane], here[plane])
        if (row > 0) finish(above, row - 1)
        above = here.also { here = above }
    }
}

/** Coefficients in units of 2^-12 levels of 255: of each channel in each cell. */
internal fun analysePhoto(family: Family, image: Image, alive: () -> Unit): Array<IntArray> {
    val rows = ceilDiv(image.height, CELL_SIDE)
    val columns = ceilDiv(image.width, CELL_SIDE)
    val line = columns * CELL_SIDE
    val block = Product(family.block.inverse, 65536.0, true)
    val overlap = Product(family.overlap.inverse, 65536.0, true)
    val shares = family.colour.inverse
    val coefficients = Array(PHOTO_CHANNELS) { IntArray(rows * columns) }
    visitRows(rows, line, overlap, { strips, row ->
        alive()
        for (y in 0 until CELL_SIDE) {
            val from = minOf(row * CELL_SIDE + y, image.height - 1) * image.width
            for (x in 0 until line) {
                val pixel = (from + minOf(x, image.width - 1)) * PLANES
                val red = (image.data[pixel].toInt() and 255) - 128
                val green = (image.data[pixel + 1].toInt() and 255) - 128
                val blue = (image.data[pixel + 2].toInt() and 255) - 128
                for (plane in 0 until PLANES) {
                    val at = plane * PLANES
                    val sum = shares[at] * red + shares[at + 1] * green + shares[at + 2] * blue
                    strips[plane][y * line + x] = floor(sum / 16 + 0.5)
                }
            }
        }
    }, { strips, row ->
        for (plane in 0 until PLANES) {
            val strip = strips[plane]
            block.down(strip)
            overlap.across(strip, HALF, line - HALF)
            block.across(strip, 0, line)
            for (v in 0 until CELL_SIDE) for (u in 0 until CELL_SIDE) {
                val to = coefficients[channelOf(plane, v, u)]
                for (x in 0 until columns) {
                    to[row * columns + x] = strip[v * line + x * CELL_SIDE + u].toInt()
                }
            }
        }
    })
    return coefficients
}

/** The pixels of symbols. */
internal fun synthesisePhoto(family: Family, coded: PhotoSymbols, head: PhotoHead, alive: () -> Unit): Image {
    val columns = head.columns
    val line = columns * CELL_SIDE
    val block = Product(family.block.values, 1.0, false)
    val overlap = Product(family.overlap.values, 1.0, false)
    val colour = family.colour.values
    val step = family.steps[head.quality - 1] / 64.0
    val image = Image(ByteArray(head.height * head.width * PLANES), head.height, head.width)
    visitRows(head.rows, line, overlap, { strips, row ->
        alive()
        for (plane in 0 until PLANES) {
            val strip = strips[plane]
            for (v in 0 until CELL_SIDE) for (u in 0 until CELL_SIDE) {
                val channel = channelOf(plane, v, u)
                val symbols = coded.symbols[channel]
                val tables = coded.tables[channel]
                for (x in 0 until columns) {
                    val cell = row * columns + x
                    val symbol = symbols[cell].toInt()
                    var value = symbol.toDouble()
                    if (v + u > 0 && symbol != 0) {
                        val shift = family.tables[tables[cell].toInt()].rebuild[if (abs(symbol) == 1) 0 else 1]
                        value += if (symbol > 0) shift else -shift
                    }
                    strip[v * line + x * CELL_SIDE + u] = value * step
                }
            }
            block.across(strip, 0, line)
            overlap.across(strip, HALF, line - HALF)
            block.down(strip)
        }
    }, { strips, row ->
        for (y in 0 until minOf(CELL_SIDE, head.height - row * CELL_SIDE)) {
            var to = (row * CELL_SIDE + y) * head.width * PLANES
            for (x in y * line until y * line + head.width) {
                for (i in 0 until SHARES step PLANES) {
                    val level = 128.5 + colour[i] * strips[0][x] + colour[i + 1] * strips[1][x] +
                        colour[i + 2] * strips[2][x]
                    image.data[to++] = level.coerceIn(0.0, 255.0).toInt().toByte()
                }
            }
        }
    })
    return image
}

private const val SHARES = PLANES * PLANES
