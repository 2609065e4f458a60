package kerasae

// The container of version 2: a `.kae` file of one photograph (FORMAT.md, 10).

private const val PHOTO_VERSION = 2
private const val PHOTO_LANES = 1024L // at most

/** What a file of version 2 says before its payload. */
data class PhotoHead(val quality: Int, val height: Int, val width: Int) {
    internal val rows get() = ceilDiv(height, CELL_SIDE)
    internal val columns get() = ceilDiv(width, CELL_SIDE)

    companion object {
        /**
         * What a file says without its family, before its CRC is checked.
         *
         * @throws CorruptBitstreamError, BitstreamVersionError as a reader of the whole file does
         */
        fun read(data: ByteArray): PhotoHead {
            val id = if (data.size < LEAST_SIZE) ByteArray(2) else data.copyOfRange(3, 5)
            checkHead(data.view(), IMAGE_MAGIC, id, PHOTO_VERSION)
            val claims = readPhotoClaims(Cursor(Bytes(data, HEAD_SIZE, data.size - CRC_SIZE)))
            checkSide(claims.height, claims.width)
            return claims.head()
        }
    }
}

private class PhotoClaims(val quality: Int, val height: Long, val width: Long) {
    fun head() = PhotoHead(quality, height.toInt(), width.toInt())
}

private fun readPhotoClaims(cursor: Cursor): PhotoClaims {
    val quality = cursor.byte()
    if (quality >= 0x80) {
        throw BitstreamVersionError("The bitstream names its tables in a way that this code does not know.")
    }
    if (quality == 0 || quality > PHOTO_QUALITIES) {
        throw CorruptBitstreamError("The bitstream names quality $quality, and there are $PHOTO_QUALITIES.")
    }
    val height = if (quality < 0) -1 else cursor.varint()
    val width = if (height < 0) -1 else cursor.varint()
    if (width < 0) throw CorruptBitstreamError(TRUNCATED)
    return PhotoClaims(quality, height, width)
}

/** Refuse what a head claims, for a payload and a file of so many bytes (FORMAT.md, 7). */
private fun checkPhotoClaims(claims: PhotoClaims, payload: Long, received: Long, limits: Limits) {
    checkSide(claims.height, claims.width)
    val pixels = claims.height * claims.width
    if (pixels > limits.maxPixels) {
        throw BitstreamLimitError(
            "The bitstream claims $pixels pixels, over the ${limits.maxPixels} that are allowed; " +
                "raise `maxPixels` if you trust it.",
        )
    }
    val most = product(limits.maxExpansion, sum(1L shl 20, product(1L shl 12, received)))
    if (pixels > most) {
        throw BitstreamLimitError(
            "The bitstream of $received bytes claims $pixels pixels, over the $most that so few are allowed; " +
                "raise `maxExpansion` if you trust it.",
        )
    }
    val head = claims.head()
    val symbols = product(head.rows.toLong(), head.columns.toLong(), PHOTO_CHANNELS + 1L)
    val front = sum(1 + 4 * PHOTO_LANES, product(2, symbols))
    if (payload > sum(front, product(10, symbols))) {
        throw CorruptBitstreamError("The bitstream is longer than its symbols can make it.")
    }
    if (payload > sum(front, product(10, limits.escapes))) limits.checkEscapes(ceilDiv(payload - front, 10))
}

/** The first two bytes of the hash of the family of a file of version 2; null for other bytes. */
internal fun familyId(data: ByteArray): ByteArray? {
    val named = data.size >= LEAST_SIZE && data[0] == 0xAE.toByte() && data[1] == IMAGE_MAGIC.toByte() &&
        data[2] == PHOTO_VERSION.toByte()
    return if (named) data.copyOfRange(3, 5) else null
}

/** The `.kae` file of a payload. */
internal fun writePhoto(head: PhotoHead, payload: Bytes, hash: ByteArray): ByteArray {
    val data = ByteWriter(payload.size + 32)
    data.put(byteArrayOf(0xAE.toByte(), IMAGE_MAGIC.toByte(), PHOTO_VERSION.toByte(), hash[0], hash[1]))
    data.put(head.quality)
    data.putVarint(head.height.toLong())
    data.putVarint(head.width.toLong())
    data.put(payload)
    data.putWord(crcOf(hash.view(), data.since(0)))
    return data.toByteArray()
}

/** Check a file; what it says, and a view of its payload. */
internal fun readPhoto(data: ByteArray, hash: ByteArray, limits: Limits): Pair<PhotoHead, Bytes> {
    checkHead(data.view(), IMAGE_MAGIC, hash, PHOTO_VERSION)
    val body = checkFile(data.view(), hash)
    val cursor = Cursor(body.part(HEAD_SIZE))
    val claims = readPhotoClaims(cursor)
    val payload = body.part(HEAD_SIZE + cursor.at)
    checkPhotoClaims(claims, payload.size.toLong(), data.size.toLong(), limits)
    return claims.head() to payload
}
