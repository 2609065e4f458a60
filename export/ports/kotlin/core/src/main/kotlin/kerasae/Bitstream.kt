package kerasae

// The container around the entropy-coded symbols: `.kae` files and streams (FORMAT.md, 5 to 7).

internal const val IMAGE_MAGIC = 0x6B
internal const val STREAM_MAGIC = 0x73
internal const val HEAD_SIZE = 5
internal const val CRC_SIZE = 4
internal const val LEAST_SIZE = 10
private const val VERSION = 1
internal const val DAMAGED = "The bitstream is damaged or truncated: its checksum does not match."
internal const val TRUNCATED = "The bitstream is truncated."

/** Whether the bytes begin as a stream of many images does, not as a single one. */
fun isStream(data: ByteArray): Boolean =
    data.size > 1 && data[0] == 0xAE.toByte() && data[1] == STREAM_MAGIC.toByte()

/**
 * What bytes say that they are, by which an app finds the codec that reads them.
 *
 * @property version 1, made with a bundle, or 2, a photograph
 * @property id four hexadecimal digits, of the bundle or of the family
 * @property stream whether they hold many images
 */
data class FileId(val version: Int, val id: String, val stream: Boolean) {
    companion object {
        /** @throws CorruptBitstreamError if the bytes are no file or stream of kerasae */
        fun of(data: ByteArray): FileId {
            val kerasae = data.size >= LEAST_SIZE && data[0] == 0xAE.toByte() &&
                (data[1] == IMAGE_MAGIC.toByte() || data[1] == STREAM_MAGIC.toByte())
            if (!kerasae) throw CorruptBitstreamError("The data is not a kerasae bitstream.")
            return FileId(data[2].toInt() and 255, hex(data.copyOfRange(3, 5)), isStream(data))
        }
    }
}

/** The bundle's codec part, layout, hash and the limits: what a bitstream is read and written with. */
internal class Context(val spec: CodecSpec, val layout: Layout, val hash: ByteArray, val limits: Limits) {
    val qualities get() = spec.qualities.size

    fun head(magic: Int) = byteArrayOf(0xAE.toByte(), magic.toByte(), VERSION.toByte(), hash[0], hash[1])
}

internal fun checkHead(data: Bytes, magic: Int, id: ByteArray, known: Int) {
    val kind = if (data.size > 1 && data[0] == 0xAE) data[1] else 0
    if (kind != magic && (kind == IMAGE_MAGIC || kind == STREAM_MAGIC)) {
        val held = if (kind == STREAM_MAGIC) "a stream of many images" else "a single image"
        throw BitstreamKindError("The bitstream holds $held: read it as such.")
    }
    if (data.size < LEAST_SIZE || kind != magic) {
        val start = hex(data.part(0, minOf(2, data.size)).copy())
        throw CorruptBitstreamError(
            "The data is not a kerasae bitstream: it has ${data.size} bytes and starts with \"$start\", " +
                "not \"ae${"%02x".format(magic)}\".",
        )
    }
    if (data[2] != known) {
        throw BitstreamVersionError("The bitstream is of version ${data[2]}; this codec reads version $known.")
    }
    val named = data.part(3, 5).copy()
    if (named[0] != id[0] || named[1] != id[1]) {
        throw BitstreamBundleError(
            "The bitstream was made with bundle ${hex(named)}, not with this one, ${hex(id, 2)}.",
        )
    }
}

/** What a block says before its payload. */
private class Claims(val quality: Int, val height: Long, val width: Long)

/** The claims of a block; null where the data ends. */
private fun readClaims(cursor: Cursor, qualities: Int): Claims? {
    var quality = 1
    if (qualities > 1) {
        quality = cursor.byte()
        if (quality < 0) return null
        if (quality !in 1..qualities) {
            throw CorruptBitstreamError("The bitstream names quality $quality, and the bundle has $qualities.")
        }
    }
    val height = cursor.varint()
    val width = if (height < 0) -1 else cursor.varint()
    return if (width < 0) null else Claims(quality, height, width)
}

private fun putClaims(to: ByteWriter, qualities: Int, block: Block) {
    if (qualities > 1) to.put(block.quality)
    to.putVarint(block.height.toLong())
    to.putVarint(block.width.toLong())
}

/** The `.kae` file of a block of one image. */
internal fun writeImage(block: Block, context: Context): ByteArray {
    val data = ByteWriter(block.size + 32)
    data.put(context.head(IMAGE_MAGIC))
    putClaims(data, context.qualities, block)
    data.put(block.payload)
    data.putWord(crcOf(context.hash.view(), data.since(0)))
    return data.toByteArray()
}

/** Compare the last four bytes of a file with the CRC of those before, which are given back. */
internal fun checkFile(data: Bytes, hash: ByteArray): Bytes {
    val body = data.part(0, data.size - CRC_SIZE)
    if (!wordBytes(crcOf(hash.view(), body)).contentEquals(data.part(body.size).copy())) {
        throw CorruptBitstreamError(DAMAGED)
    }
    return body
}

/** Check a `.kae` file; its block of one image, whose payload is a view of `data`. */
internal fun readImage(data: Bytes, context: Context): Block {
    checkHead(data, IMAGE_MAGIC, context.hash, VERSION)
    val body = checkFile(data, context.hash)
    val cursor = Cursor(body.part(HEAD_SIZE))
    val claims = readClaims(cursor, context.qualities) ?: throw CorruptBitstreamError(TRUNCATED)
    val payload = body.part(HEAD_SIZE + cursor.at)
    val budget = Budget(context.spec, context.layout, context.limits)
    val refusal = budget.take(1, claims.height, claims.width, claims.quality, payload.size.toLong())
        ?: budget.check(data.size.toLong())
    if (refusal != null) throw BitstreamLimitError("The bitstream $refusal")
    return Block(1, claims.height.toInt(), claims.width.toInt(), claims.quality, payload)
}

/** Writes a stream block by block; see [Codec.streamWriter]. */
class StreamWriter internal constructor(private val context: Context) {
    private val data = ByteWriter()
    private var previous: Bytes = context.head(STREAM_MAGIC).also { data.put(it) }.view() // the last CRC, or the head
    private var total = 0L

    fun put(block: Block) {
        val first = data.size
        data.putVarint(block.count.toLong())
        putClaims(data, context.qualities, block)
        data.putVarint(block.size.toLong())
        data.put(block.payload)
        seal(first)
        total += block.count
    }

    /** The whole stream; nothing can follow. */
    fun finish(): ByteArray {
        val first = data.size
        data.putVarint(0)
        data.putVarint(total)
        seal(first)
        return data.toByteArray()
    }

    private fun seal(first: Int) {
        val crc = crcOf(context.hash.view(), previous, data.since(first))
        data.putWord(crc)
        previous = wordBytes(crc).view()
    }
}

/**
 * Reads a stream while it arrives: push bytes, take blocks, and say when no more bytes come.
 *
 *     val reader = codec.streamReader()
 *     while (...) {
 *         reader.push(received)
 *         while (true) codec.unpackBlock(reader.next() ?: break)...
 *     }
 *     reader.finish()
 *     while (true) codec.unpackBlock(reader.next() ?: break)...
 *
 * It accepts and refuses what a reader of the whole stream does. So a block that asks for more than the
 * bytes so far allow waits until more have come, or there are none.
 */
class StreamReader internal constructor(private val context: Context) {
    private var budget = Budget(context.spec, context.layout, context.limits)
    private var buffer = ByteArray(0)
    private var used = 0 // bytes of the buffer
    private var at = 0
    private var received = 0L
    private var total = 0L
    private var previous = ByteArray(0) // the last CRC, or the head
    private var crc: ByteArray? = null // of the block at hand, if it matched
    private var begun = false
    private var ended = false
    private var finished = false

    internal constructor(context: Context, whole: ByteArray) : this(context) {
        buffer = whole
        used = whole.size
        received = whole.size.toLong()
        finished = true
    }

    /** More bytes have come. Blocks taken before must have been unpacked. */
    fun push(bytes: ByteArray, from: Int = 0, to: Int = bytes.size) {
        check(!finished) { "`push` must not be called after `finish`." }
        buffer.copyInto(buffer, 0, at, used)
        used -= at
        at = 0
        if (used + to - from > buffer.size) buffer = buffer.copyOf(maxOf(2 * buffer.size, used + to - from))
        bytes.copyInto(buffer, used, from, to)
        used += to - from
        received += to - from
    }

    /** No more bytes come. */
    fun finish() {
        finished = true
    }

    /**
     * The next block, or null: more bytes are needed, or after `finish`, the stream is over.
     *
     * @throws BitstreamError as for a whole stream, and again for each further call
     */
    fun next(): Block? {
        if (!begun && !begin()) return null
        if (ended) {
            if (at != used) throw CorruptBitstreamError(DAMAGED)
            return null
        }
        val rest = Bytes(buffer, at, used)
        val cursor = Cursor(rest)
        val count = cursor.varint()
        if (count < 0) return more()
        if (count == 0L) return end(rest, cursor)
        val claims = readClaims(cursor, context.qualities) ?: return more()
        val size = cursor.varint()
        if (size < 0) return more()
        val next = budget.copy()
        val refusal = next.take(count, claims.height, claims.width, claims.quality, size)
        val payload = cursor.take(size) ?: return more()
        if (!checkCrc(rest, cursor)) return more()
        if (refusal != null) throw BitstreamLimitError("The bitstream $refusal")
        next.check(received)?.let {
            if (!finished) return null
            throw BitstreamLimitError("The bitstream $it")
        }
        budget = next
        total += count
        leave(cursor)
        return Block(count.toInt(), claims.height.toInt(), claims.width.toInt(), claims.quality, payload)
    }

    private fun begin(): Boolean {
        if (used < LEAST_SIZE && !finished) return false
        checkHead(Bytes(buffer, 0, used), STREAM_MAGIC, context.hash, VERSION)
        previous = buffer.copyOf(HEAD_SIZE)
        at = HEAD_SIZE
        begun = true
        return true
    }

    private fun more(): Block? {
        if (finished) throw CorruptBitstreamError(TRUNCATED)
        return null
    }

    private fun end(rest: Bytes, cursor: Cursor): Block? {
        val declared = cursor.varint()
        if (declared < 0 || !checkCrc(rest, cursor)) return more()
        leave(cursor)
        if (declared != total || at != used) throw CorruptBitstreamError(DAMAGED)
        ended = true
        return null
    }

    /** Compare the next CRC with that of the bytes before; false where there are too few. */
    private fun checkCrc(rest: Bytes, cursor: Cursor): Boolean {
        val body = rest.part(0, cursor.at)
        val found = cursor.take(CRC_SIZE.toLong())?.copy() ?: return false
        if (crc == null) {
            if (!wordBytes(crcOf(context.hash.view(), previous.view(), body)).contentEquals(found)) {
                throw CorruptBitstreamError(DAMAGED)
            }
            crc = found
        }
        return true
    }

    private fun leave(cursor: Cursor) {
        at += cursor.at
        previous = crc!!
        crc = null
    }
}
