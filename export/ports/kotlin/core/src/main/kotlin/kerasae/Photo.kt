package kerasae

import kotlin.math.abs

// The payload of version 2: classes of cells, and symbols whose tables follow from them (FORMAT.md, 10).
// Everything is integer arithmetic.

/** What the payload of a photograph holds. */
class PhotoSymbols internal constructor(
    /** Of each channel in each cell; lowest coefficients themselves, not as differences. */
    val symbols: Array<ShortArray>,
    /** Of the cells, row by row. */
    val classes: ByteArray,
    /** The table of each symbol, 0 where none is coded. */
    internal val tables: Array<ByteArray>,
)

private const val LARGE = 15 // larger magnitudes, and escaped ones, count as this

internal fun channelOf(plane: Int, v: Int, u: Int) = (plane * CELL_SIDE + v) * CELL_SIDE + u

/** Visit the channels in the order of coding: plane, vertical and horizontal frequency, if a stage begins. */
private inline fun visitChannels(visit: (plane: Int, v: Int, u: Int, begins: Boolean) -> Unit) {
    for (d in 0 until 2 * CELL_SIDE - 1) for (plane in 0 until PLANES) {
        val first = maxOf(0, d - CELL_SIDE + 1)
        for (v in first..minOf(d, CELL_SIDE - 1)) visit(plane, v, d - v, v == first)
    }
}

/** The context of each sum of sizes. */
private val CONTEXT_OF = ByteArray(256) { sum ->
    intArrayOf(0, 1, 2, 3, 5, 8, 12, 18, 28).count { it < sum }.toByte()
}

/**
 * Finds the context of each symbol of a channel from the sizes of those coded before it, of which three
 * diagonals of frequencies are kept.
 */
private class PhotoContexts(private val cells: Int) {
    private val none = ByteArray(cells)
    private val rows = Array(3 * PLANES * CELL_SIDE) { none } // made when they are needed
    private val contexts = ByteArray(cells)

    fun find(plane: Int, v: Int, u: Int): ByteArray {
        fun at(there: Boolean, p: Int, row: Int, column: Int): ByteArray {
            // Lowest coefficients tell nothing of the others.
            val used = there && (row + column > 0 || v + u == 0)
            return if (used) rows[rowOf(p, row, column)] else none
        }
        val a = at(v > 0, plane, v - 1, u)
        val b = at(u > 0, plane, v, u - 1)
        val c = at(plane > 0, plane - 1, v, u)
        val d = at(plane == 2, 0, v, u)
        val e = at(v > 1, plane, v - 2, u)
        val f = at(u > 1, plane, v, u - 2)
        for (i in 0 until cells) {
            contexts[i] = CONTEXT_OF[2 * (a[i] + b[i] + c[i] + d[i]) + e[i] + f[i]]
        }
        return contexts
    }

    /** Where the sizes of the symbols of a channel go: all of them, 0 where none is coded. */
    fun sizes(plane: Int, v: Int, u: Int): ByteArray {
        val row = rowOf(plane, v, u)
        if (rows[row] === none) rows[row] = ByteArray(cells)
        return rows[row]
    }

    private fun rowOf(plane: Int, v: Int, u: Int) = ((v + u) % 3 * PLANES + plane) * CELL_SIDE + v
}

/** For each class where its tables of a channel by context begin in `levels`, or -1 where none is coded. */
private fun namesOf(family: Family, channel: Int) = IntArray(family.count) {
    val level = family.classes[it * PHOTO_CHANNELS + channel]
    if (level > 0) level * PHOTO_CONTEXTS else -1
}

/** The number closest to log2(n / 4096), within 0 to 10; n is below 2^31. */
internal fun photoLanesLog2(n: Long): Int {
    var log2 = 0
    while (log2 < 10 && n * n > 1L shl 2 * log2 + 25) log2++
    return log2
}

private fun prediction(values: ShortArray, cell: Int, columns: Int): Int {
    val left = cell % columns > 0
    val above = cell >= columns
    if (!left) return if (above) values[cell - columns].toInt() else 0
    if (!above) return values[cell - 1].toInt()
    return Math.floorDiv(3 * (values[cell - 1] + values[cell - columns]) - 2 * values[cell - columns - 1] + 2, 4)
}

/** The symbols with lowest coefficients as differences from their prediction. */
internal fun predictLowest(symbols: Array<ShortArray>, columns: Int): Array<ShortArray> {
    val found = symbols.copyOf()
    for (channel in 0 until PHOTO_CHANNELS step CELL_AREA) {
        val values = symbols[channel]
        found[channel] = ShortArray(values.size) {
            val difference = values[it] - prediction(values, it, columns)
            require(difference == difference.toShort().toInt()) {
                "The photograph must be such that differences fit in 16 bits."
            }
            difference.toShort()
        }
    }
    return found
}

/** Undo `predictLowest`, in place. */
internal fun unpredictLowest(symbols: Array<ShortArray>, columns: Int) {
    for (channel in 0 until PHOTO_CHANNELS step CELL_AREA) {
        val values = symbols[channel]
        for (cell in values.indices) {
            val value = values[cell] + prediction(values, cell, columns)
            if (value != value.toShort().toInt()) {
                throw CorruptBitstreamError("The bitstream holds a coefficient over 16 bits.")
            }
            values[cell] = value.toShort()
        }
    }
}

/**
 * Code the symbols of a photograph: 0 where the class of the cell codes none, and lowest coefficients as
 * differences.
 */
internal fun packPhoto(
    family: Family, symbols: Array<ShortArray>, classes: ByteArray, columns: Int, quality: Int, alive: () -> Unit,
): ByteWriter {
    val cells = classes.size
    val coded = IntArray(family.countCoded(classes).toInt()) // of each symbol frequency and start
    val begins = ArrayList<Int>() // of the stages
    val tail = ByteWriter()
    val contexts = PhotoContexts(cells)
    var count = 0
    visitChannels { plane, v, u, beginsStage ->
        alive()
        if (beginsStage) begins.add(count)
        val channel = channelOf(plane, v, u)
        val names = namesOf(family, channel)
        val context = contexts.find(plane, v, u)
        val size = contexts.sizes(plane, v, u)
        val own = symbols[channel]
        for (cell in 0 until cells) {
            val name = names[classes[cell].toInt()]
            size[cell] = 0
            if (name < 0) continue
            val table = family.tables[family.levels[name + context[cell]].toInt()]
            val symbol = own[cell].toInt()
            val entry = table.entryOf(symbol)
            if (entry == table.escape) {
                tail.putVarint(escapeValue(symbol.toLong() - table.offset, table.escape))
                size[cell] = LARGE.toByte()
            } else {
                size[cell] = minOf(LARGE, abs(symbol)).toByte()
            }
            coded[count++] = table.frequencies[entry] shl 16 or table.starts[entry]
        }
    }
    val log2 = photoLanesLog2(count.toLong())
    val lanes = 1 shl log2
    val encoder = RansEncoder(lanes)
    for (i in tail.size - 1 downTo 0) encoder.putByte(tail[i])
    var end = count
    for (begin in begins.asReversed()) {
        for (i in end - 1 downTo begin) {
            encoder.put(i - begin and lanes - 1, coded[i] ushr 16, coded[i] and 0xFFFF)
        }
        end = begin
    }
    for (cell in cells - 1 downTo 0) {
        val at = family.classRow(classes, cell, columns, quality)
        val k = classes[cell].toInt()
        val start = if (k > 0) family.classEnds[at + k - 1].toInt() else 0
        encoder.put(0, family.classEnds[at + k] - start, start)
    }
    return ByteWriter().also {
        it.put(log2)
        encoder.finish(it)
    }
}

/**
 * Decode what `packPhoto` gave.
 *
 * @throws CorruptBitstreamError if the payload is not exactly one that an encoder can give
 * @throws BitstreamLimitError if more symbols are escaped than are allowed
 */
internal fun unpackPhoto(
    family: Family, payload: Bytes, head: PhotoHead, limits: Limits, alive: () -> Unit,
): PhotoSymbols {
    if (payload.size == 0 || payload[0] > 10) {
        throw CorruptBitstreamError("The payload names an impossible number of lanes.")
    }
    val lanes = 1 shl payload[0]
    val cells = head.rows * head.columns
    val decoder = RansDecoder(payload.part(1), lanes)
    val classes = ByteArray(cells)
    for (cell in 0 until cells) {
        val at = family.classRow(classes, cell, head.columns, head.quality)
        val slot = decoder.slot(0)
        var k = 0
        while (family.classEnds[at + k] <= slot) k++
        val start = if (k > 0) family.classEnds[at + k - 1].toInt() else 0
        classes[cell] = k.toByte()
        decoder.advance(0, family.classEnds[at + k] - start, start)
    }
    if (family.countCoded(classes) > lanes.toLong() shl 14 && lanes < 1024) {
        throw CorruptBitstreamError("The payload has fewer lanes than its symbols need.")
    }
    // Memory follows what has been decoded: channels are made one by one.
    val symbols = Array(PHOTO_CHANNELS) { NO_SYMBOLS }
    val tables = Array(PHOTO_CHANNELS) { NO_TABLES }
    val escaped = ArrayList<Long>() // channel and cell
    var escapes = 0L
    var i = 0
    val contexts = PhotoContexts(cells)
    visitChannels { plane, v, u, beginsStage ->
        alive()
        if (beginsStage) i = 0
        val channel = channelOf(plane, v, u)
        val names = namesOf(family, channel)
        val context = contexts.find(plane, v, u)
        val size = contexts.sizes(plane, v, u)
        val own = ShortArray(cells)
        val ownTables = ByteArray(cells)
        for (cell in 0 until cells) {
            val name = names[classes[cell].toInt()]
            size[cell] = 0
            if (name < 0) continue
            ownTables[cell] = family.levels[name + context[cell]]
            val table = family.tables[ownTables[cell].toInt()]
            val lane = i++ and lanes - 1
            val j = table.slots[decoder.slot(lane)].toInt()
            decoder.advance(lane, table.frequencies[j], table.starts[j])
            if (j == table.escape) {
                if (++escapes <= limits.escapes) escaped.add(channel.toLong() shl 32 or cell.toLong())
                size[cell] = LARGE.toByte()
            } else {
                val symbol = table.offset + j
                own[cell] = symbol.toShort()
                size[cell] = minOf(LARGE, abs(symbol)).toByte()
            }
        }
        symbols[channel] = own
        tables[channel] = ownTables
    }
    limits.checkEscapes(escapes)
    for (place in escaped) {
        val channel = (place ushr 32).toInt()
        val cell = place.toInt()
        val table = family.tables[tables[channel][cell].toInt()]
        val symbol = escapedSymbol(decoder.varint(), table.offset, table.escape)
        if (symbol != symbol.toShort().toLong()) {
            throw CorruptBitstreamError("The bitstream holds a symbol over 16 bits.")
        }
        symbols[channel][cell] = symbol.toShort()
    }
    decoder.finish()
    return PhotoSymbols(symbols, classes, tables)
}

private val NO_SYMBOLS = ShortArray(0)
private val NO_TABLES = ByteArray(0)
