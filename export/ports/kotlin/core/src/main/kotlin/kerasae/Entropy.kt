package kerasae

import kotlin.math.floor
import kotlin.math.ln

/** Gives the class of each row of channels. */
internal fun interface ClassOf {
    operator fun invoke(row: Int): Int
}

/** The entropy coder with the tables of a quality: a set for each class, a table for each channel. */
internal class Tables(quality: Quality) {
    val channels = quality.mantissas.size
    val classes = quality.classes
    private val count = quality.tables.size
    private val bases = IntArray(count) // of the entries of each table
    private val offsets = IntArray(count) { quality.tables[it].offset }
    private val escapes = IntArray(count) { quality.tables[it].frequencies.size - 1 }
    private val starts: IntArray
    private val frequencies: IntArray
    private val shift = if (count <= MOST_EXACT) 0 else 4
    private val slots = ShortArray(count * (TOTAL shr shift)) // the entry of each slot, or every 16th

    init {
        val size = quality.tables.sumOf { it.frequencies.size }
        starts = IntArray(size)
        frequencies = IntArray(size)
        var entry = 0
        var at = 0
        quality.tables.forEachIndexed { i, table ->
            bases[i] = entry
            var start = 0
            var slot = 0
            table.frequencies.forEachIndexed { j, frequency ->
                starts[entry] = start
                frequencies[entry++] = frequency
                start += frequency
                while (slot < start) {
                    slots[at++] = j.toShort()
                    slot += 1 shl shift
                }
            }
        }
    }

    /** Append the code of symbols, channels running fastest. */
    fun encode(symbols: IntArray, classOf: ClassOf, to: ByteWriter) {
        val lanes = laneCount(symbols.size.toLong())
        val encoder = RansEncoder(lanes)
        val rows = symbols.size / channels
        val tail = ByteWriter()
        for (row in 0 until rows) {
            val first = classOf(row) * channels
            for (c in 0 until channels) {
                val value = escapeValue(symbols[row * channels + c].toLong() - offsets[first + c], escapes[first + c])
                if (value >= 0) tail.putVarint(value)
            }
        }
        for (i in tail.size - 1 downTo 0) encoder.putByte(tail[i])
        for (row in rows - 1 downTo 0) {
            val first = classOf(row) * channels
            for (c in channels - 1 downTo 0) {
                val i = row * channels + c
                val entry = bases[first + c] + entryOf(first + c, symbols[i])
                encoder.put(i % lanes, frequencies[entry], starts[entry])
            }
        }
        encoder.finish(to)
    }

    /**
     * Decode rows of symbols.
     *
     * @throws CorruptBitstreamError if the bytes are not exactly those that `encode` gives
     * @throws BitstreamLimitError if more symbols are escaped than are allowed
     */
    fun decode(data: Bytes, rows: Int, classOf: ClassOf, limits: Limits): IntArray {
        val lanes = laneCount(rows.toLong() * channels)
        val decoder = RansDecoder(data, lanes)
        var symbols = IntArray(0)
        val escaped = ArrayList<Long>() // place and table
        var escapes = 0L
        var lane = 0
        var i = 0
        var row = 0
        while (row < rows) {
            // Memory follows what has been decoded, not what was claimed.
            val stop = minOf(rows.toLong(), row.toLong() + maxOf(row, 1 + (1 shl 16) / channels)).toInt()
            symbols = symbols.copyOf(stop * channels)
            while (row < stop) {
                val first = classOf(row++) * channels
                for (table in first until first + channels) {
                    val slot = decoder.slot(lane)
                    val base = bases[table]
                    var j = slots[table * (TOTAL shr shift) + (slot shr shift)].toInt()
                    while (slot >= starts[base + j] + frequencies[base + j]) j++
                    decoder.advance(lane, frequencies[base + j], starts[base + j])
                    symbols[i] = offsets[table] + j
                    if (j == this.escapes[table] && ++escapes <= limits.escapes) {
                        escaped.add(i.toLong() shl 32 or table.toLong())
                    }
                    i++
                    if (++lane == lanes) lane = 0
                }
            }
        }
        limits.checkEscapes(escapes)
        for (place in escaped) {
            val table = place.toInt()
            val symbol = escapedSymbol(decoder.varint(), offsets[table], this.escapes[table])
            if (symbol != symbol.toInt().toLong()) {
                throw CorruptBitstreamError("The entropy-coded data holds a symbol over 32 bits.")
            }
            symbols[(place ushr 32).toInt()] = symbol.toInt()
        }
        decoder.finish()
        return symbols
    }

    /** For each group of rows, the first class that codes it at the least cost. */
    fun cheapestClasses(symbols: IntArray, groups: Int, groupOf: ClassOf): ByteArray {
        val sums = LongArray(groups * classes)
        for (row in 0 until symbols.size / channels) {
            val at = groupOf(row) * classes
            for (c in 0 until channels) {
                val symbol = symbols[row * channels + c]
                for (k in 0 until classes) sums[at + k] += cost(k * channels + c, symbol)
            }
        }
        return ByteArray(groups) { group ->
            val at = group * classes
            (0 until classes).minByOrNull { sums[at + it] }!!.toByte()
        }
    }

    private fun entryOf(table: Int, symbol: Int): Int {
        val entry = symbol.toLong() - offsets[table]
        return if (entry in 0 until escapes[table]) entry.toInt() else escapes[table]
    }

    private fun cost(table: Int, symbol: Int): Long {
        val value = escapeValue(symbol.toLong() - offsets[table], escapes[table])
        val bytes = if (value < 0) 0 else varintSize(value)
        return COSTS[frequencies[bases[table] + entryOf(table, symbol)]] + 2048L * bytes
    }

    private companion object {
        const val MOST_EXACT = 32 // tables whose slots stay in a cache

        /** What a symbol of each frequency costs, in 256ths of a bit. */
        val COSTS = LongArray(TOTAL + 1) {
            if (it == 0) 0 else floor(256 * (12 - ln(it.toDouble()) / ln(2.0)) + 0.5).toLong()
        }
    }
}

/** Append integers of `width` bits each, one after the other, low bits first. */
internal fun packBits(values: ByteArray, width: Int, to: ByteWriter) {
    val bytes = ByteArray(ceilDiv(values.size.toLong() * width, 8).toInt())
    for (i in values.indices) {
        for (bit in 0 until width) {
            val at = i * width + bit
            bytes[at / 8] = (bytes[at / 8].toInt() or ((values[i].toInt() shr bit and 1) shl at % 8)).toByte()
        }
    }
    to.put(bytes)
}

/** So many integers from the front of the data; how many bytes they take is `ceil(count * width / 8)`. */
internal fun unpackBits(data: Bytes, count: Int, width: Int): ByteArray {
    val size = ceilDiv(count.toLong() * width, 8)
    if (data.size < size) throw CorruptBitstreamError("The payload is too short for its classes.")
    val values = ByteArray(count)
    for (at in 0 until 8 * size) {
        val bit = data[(at / 8).toInt()] shr (at % 8).toInt() and 1
        if (at < count.toLong() * width) {
            val i = (at / width).toInt()
            values[i] = (values[i].toInt() or (bit shl (at % width).toInt())).toByte()
        } else if (bit != 0) {
            throw CorruptBitstreamError("The payload has bits set behind its classes.")
        }
    }
    return values
}
