package kerasae

/** Number of lanes of the entropy coder for a number of symbols. */
internal fun laneCount(symbols: Long): Int = (symbols / 4096).coerceIn(1, 1024).toInt()

/** How many bits the class of a square takes. */
internal fun classBits(classes: Int): Int = 32 - (classes - 1).countLeadingZeroBits()

/**
 * How much a reader does for the bytes that it received (FORMAT.md, 7.1).
 *
 * @property maxPixels of an image, or of all images of a stream; at most 2^29, since an array of the JVM
 *     holds no more
 * @property maxImages of a stream
 * @property maxExpansion times what the bytes received may ask for
 */
data class Limits(
    val maxPixels: Long = 1L shl 26,
    val maxImages: Long = 1L shl 17,
    val maxExpansion: Long = 1,
) {
    init {
        require(maxPixels in 1..(1L shl 29)) { "`maxPixels` must be from 1 to 2^29. Received: $maxPixels" }
        require(maxImages > 0) { "`maxImages` must be positive. Received: $maxImages" }
        require(maxExpansion > 0) { "`maxExpansion` must be positive. Received: $maxExpansion" }
    }

    /** Most escaped symbols of a block. */
    internal val escapes get() = maxOf(1L shl 13, maxPixels shr 5)

    internal fun checkEscapes(number: Long) {
        if (number > escapes) {
            throw BitstreamLimitError(
                "The bitstream holds $number symbols outside of its tables, more than the $escapes " +
                    "that are allowed with `maxPixels` of $maxPixels.",
            )
        }
    }
}

internal const val MOST_SIDE = (1L shl 31) - 1

internal fun checkSide(height: Long, width: Long) {
    if (height !in 1..MOST_SIDE || width !in 1..MOST_SIDE) {
        throw CorruptBitstreamError("The bitstream claims an impossible size of $height x $width pixels.")
    }
}

/** Images of one size that share an entropy-coded payload. */
class Block internal constructor(
    val count: Int,
    val height: Int,
    val width: Int,
    val quality: Int,
    internal val payload: Bytes,
) {
    /** Bytes of the payload. */
    val size get() = payload.size
}

/** What the bytes of a file or a stream may ask for, block by block. */
internal class Budget(private val spec: CodecSpec, private val layout: Layout, private val limits: Limits) {
    private var images = 0L
    private var pixels = 0L
    private var runs = 0L
    private var tilePixels = 0L

    fun copy() = Budget(spec, layout, limits).also {
        it.images = images
        it.pixels = pixels
        it.runs = runs
        it.tilePixels = tilePixels
    }

    /**
     * Count a block, whose payload of so many bytes is not looked at.
     *
     * @return what is wrong if it claims more than is allowed, whatever was received
     */
    fun take(count: Long, height: Long, width: Long, quality: Int, payload: Long): String? {
        if (count > 256) throw CorruptBitstreamError("A block claims $count images, over 256.")
        checkSide(height, width)
        val more = product(count, layout.runs(height, width))
        images = sum(images, count)
        pixels = sum(pixels, product(count, height, width))
        runs = sum(runs, more)
        tilePixels = sum(tilePixels, product(more, layout.tileHeight.toLong(), layout.tileWidth.toLong()))
        if (pixels > limits.maxPixels) {
            return "claims $pixels pixels, over the ${limits.maxPixels} that are allowed; " +
                "raise `maxPixels` if you trust it."
        }
        val symbols = product(count, layout.count(height, width))
        checkLength(count, height, width, quality, payload, symbols)?.let { return it }
        if (symbols > limits.maxPixels || tilePixels > product(16, limits.maxPixels)) {
            return "takes $symbols symbols and $tilePixels pixels of tiles, more than is allowed " +
                "with `maxPixels` of ${limits.maxPixels}."
        }
        if (images > limits.maxImages) {
            return "claims $images images, over the ${limits.maxImages} that are allowed; " +
                "raise `maxImages` if you trust it."
        }
        return null
    }

    /** What is wrong if the blocks so far ask for too much for so many bytes. */
    fun check(received: Long): String? =
        over("images", images, received, 1L shl 10, 1L shl 3, 1)
            ?: over("pixels", pixels, received, 1L shl 20, 1L shl 12, 1)
            ?: over("runs of the decoder", runs, received, 1L shl 12, 1L shl 7, 1)
            ?: over("pixels of tiles", tilePixels, received, 1L shl 20, 1L shl 12, 16)

    private fun over(what: String, asked: Long, received: Long, base: Long, each: Long, factor: Long): String? {
        val most = product(factor, limits.maxExpansion, sum(base, product(each, received)))
        if (asked <= most) return null
        return "of $received bytes claims $asked $what, over the $most that so few are allowed; " +
            "raise `maxExpansion` if you trust it."
    }

    private fun checkLength(
        count: Long, height: Long, width: Long, quality: Int, payload: Long, symbols: Long,
    ): String? {
        val bits = classBits(spec.qualities[quality - 1].classes).toLong()
        val groups = product(count, layout.groupCount(height, width))
        val front = sum(
            sum(ceilDiv(product(groups, bits), 8), 4L * laneCount(symbols)),
            product(2, symbols),
        )
        // An entry takes a word at most, an escape has five more.
        if (payload > sum(front, product(10, symbols))) {
            throw CorruptBitstreamError("The bitstream is longer than its symbols can make it.")
        }
        if (payload > sum(front, product(10, limits.escapes))) {
            return "is so long that more symbols are outside of its tables than are allowed with " +
                "`maxPixels` of ${limits.maxPixels}."
        }
        return null
    }
}
