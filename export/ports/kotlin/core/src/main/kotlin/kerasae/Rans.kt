package kerasae

// Interleaved rANS (FORMAT.md, 4.3). States are unsigned; an Int holds their 32 bits.

internal const val LOW_STATE = 1 shl 16 // a state in use is not below
internal const val BYTE_FREQUENCY = 16 // of each value of a plain byte

/** Writes what [RansDecoder] reads; everything is given in the reverse order of decoding. */
internal class RansEncoder(lanes: Int) {
    private val states = LongArray(lanes) { if (lanes == 1) 0 else LOW_STATE.toLong() }
    private var words = ShortArray(256) // the last one is decoded first
    private var count = 0

    fun put(lane: Int, frequency: Int, start: Int) {
        var x = states[lane]
        if (x >= frequency.toLong() shl 20) {
            if (count == words.size) words = words.copyOf(2 * count)
            words[count++] = x.toShort()
            x = x ushr 16
        }
        states[lane] = (x / frequency shl 12) + x % frequency + start
    }

    /** A byte of an escaped symbol. */
    fun putByte(value: Int) = put(0, BYTE_FREQUENCY, BYTE_FREQUENCY * value)

    fun finish(to: ByteWriter) {
        var size = 4
        if (states.size == 1) {
            size = 0
            while (size < 4 && states[0] ushr 8 * size != 0L) size++
        }
        for (state in states) for (i in 0 until size) to.put((state ushr 8 * i).toInt())
        for (i in count - 1 downTo 0) {
            to.put(words[i].toInt())
            to.put(words[i].toInt() ushr 8)
        }
    }
}

internal class RansDecoder(private val data: Bytes, lanes: Int) {
    private val states: IntArray
    private var at = 0

    init {
        val size = if (lanes > 1) 4 else if (data.size <= 4) data.size else 4 - data.size % 2
        if (data.size < size.toLong() * lanes || (lanes > 1 && data.size % 2 != 0)) {
            throw CorruptBitstreamError("The entropy-coded data is too short for its symbols.")
        }
        if (lanes == 1 && size > 0 && data[size - 1] == 0) {
            throw CorruptBitstreamError("The entropy-coded data starts with an overlong state.")
        }
        states = IntArray(lanes) {
            var state = 0
            for (i in size - 1 downTo 0) state = state shl 8 or data[at + i]
            at += size
            if (lanes > 1 && state ushr 16 == 0) {
                throw CorruptBitstreamError("The entropy-coded data starts with a state too small.")
            }
            state
        }
    }

    fun slot(lane: Int): Int = states[lane] and 4095

    /** Leave the interval that the slot of a lane lies in. */
    fun advance(lane: Int, frequency: Int, start: Int) {
        val state = states[lane]
        val x = frequency * (state ushr 12) + (state and 4095) - start
        states[lane] = if (x ushr 16 == 0) refill(x) else x
    }

    private fun refill(x: Int): Int {
        if (at < data.size) {
            at += 2
            return x shl 16 or data[at - 2] or (data[at - 1] shl 8)
        }
        if (states.size > 1) {
            throw CorruptBitstreamError("The entropy-coded data ends before its symbols do.")
        }
        return x
    }

    /** The varint of an escaped symbol. */
    fun varint(): Long = readVarint {
        val value = slot(0) / BYTE_FREQUENCY
        advance(0, BYTE_FREQUENCY, BYTE_FREQUENCY * value)
        value
    }

    /** Check that the data ends here, as the encoder would have ended it. */
    fun finish() {
        val start = if (states.size == 1) 0 else LOW_STATE
        if (at != data.size || states.any { it != start }) {
            throw CorruptBitstreamError("The entropy-coded data does not end where it should.")
        }
    }
}

/** What follows an escape for a symbol that is `entry` entries behind the first of `escape`; -1 for none. */
internal fun escapeValue(entry: Long, escape: Int): Long = when {
    entry < 0 -> 2 * (-1 - entry) + 1
    entry < escape -> -1
    else -> 2 * (entry - escape)
}

/** The symbol of what follows an escape. */
internal fun escapedSymbol(value: Long, offset: Int, escape: Int): Long =
    if (value % 2 != 0L) offset - 1L - value / 2 else offset.toLong() + escape + value / 2
