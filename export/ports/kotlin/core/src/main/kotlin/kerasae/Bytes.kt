package kerasae

import java.security.MessageDigest
import java.util.zip.CRC32

/** A view of bytes that lie one after the other, without a copy. */
internal class Bytes(val array: ByteArray, val from: Int, val to: Int) {
    val size get() = to - from

    operator fun get(i: Int): Int = array[from + i].toInt() and 255

    fun part(first: Int, stop: Int = size) = Bytes(array, from + first, from + stop)

    fun copy(): ByteArray = array.copyOfRange(from, to)
}

internal fun ByteArray.view() = Bytes(this, 0, size)

/** Bytes that are appended one after the other. */
internal class ByteWriter(capacity: Int = 64) {
    private var array = ByteArray(capacity)
    var size = 0
        private set

    fun put(value: Int) {
        reserve(1)
        array[size++] = value.toByte()
    }

    fun put(bytes: Bytes) {
        reserve(bytes.size)
        bytes.array.copyInto(array, size, bytes.from, bytes.to)
        size += bytes.size
    }

    fun put(bytes: ByteArray) = put(bytes.view())

    /** The four bytes of a CRC or a state, low ones first. */
    fun putWord(value: Int) {
        for (shift in 0..24 step 8) put(value ushr shift)
    }

    /** The shortest encoding of an unsigned integer: seven bits a byte, the low ones first. */
    fun putVarint(value: Long) {
        var rest = value
        while (rest > 127) {
            put((rest % 128 + 128).toInt())
            rest = rest shr 7
        }
        put(rest.toInt())
    }

    operator fun get(i: Int): Int = array[i].toInt() and 255

    /** What has been written since a place; valid until more is. */
    fun since(first: Int) = Bytes(array, first, size)

    fun toByteArray(): ByteArray = array.copyOf(size)

    private fun reserve(more: Int) {
        if (size + more > array.size) array = array.copyOf(maxOf(2 * array.size, size + more))
    }
}

/** How many bytes a varint takes. */
internal fun varintSize(value: Long): Int {
    var size = 1
    var rest = value shr 7
    while (rest != 0L) {
        rest = rest shr 7
        size++
    }
    return size
}

/** Reads a varint, only its shortest encoding; `next` gives a byte, or -1 where the data ends; so does this. */
internal inline fun readVarint(next: () -> Int): Long {
    var value = 0L
    for (shift in 0 until 35 step 7) {
        val byte = next()
        if (byte < 0) return -1
        value = value or ((byte and 127).toLong() shl shift)
        if (byte < 128) {
            if (shift > 0 && byte == 0) break
            return value
        }
    }
    throw CorruptBitstreamError("The bitstream holds a malformed number.")
}

/** Reads in order; -1 or null is given where the data ends. */
internal class Cursor(private val data: Bytes) {
    var at = 0
        private set

    fun byte(): Int = if (at == data.size) -1 else data[at++]

    fun varint(): Long = readVarint { byte() }

    fun take(size: Long): Bytes? {
        if (size > data.size - at) return null
        at += size.toInt()
        return data.part(at - size.toInt(), at)
    }
}

/** CRC-32, as in zlib and PNG, over several pieces. */
internal fun crcOf(vararg pieces: Bytes): Int {
    val crc = CRC32()
    for (piece in pieces) crc.update(piece.array, piece.from, piece.size)
    return crc.value.toInt()
}

internal fun wordBytes(value: Int): ByteArray = ByteArray(4) { (value ushr 8 * it).toByte() }

internal fun sha256(vararg pieces: ByteArray): ByteArray {
    val digest = MessageDigest.getInstance("SHA-256")
    for (piece in pieces) digest.update(piece)
    return digest.digest()
}

/** Bytes as lower-case hexadecimal digits. */
internal fun hex(bytes: ByteArray, count: Int = bytes.size): String =
    (0 until count).joinToString("") { "%02x".format(bytes[it].toInt() and 255) }

internal fun fromHex(digits: String): ByteArray =
    ByteArray(digits.length / 2) { digits.substring(2 * it, 2 * it + 2).toInt(16).toByte() }
