package kerasae

import kotlin.math.abs
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * Compresses photographs to bytes and back, without any network. Threads may share it.
 *
 * @param families the first one writes, and all of them read: a file names its family
 * @param dispatcher where the work is done; by default, the threads for work of the processor
 */
class PhotoCodec(
    val families: List<Family>,
    private val limits: Limits = Limits(),
    private val dispatcher: CoroutineDispatcher = Dispatchers.Default,
) {
    init {
        require(families.isNotEmpty()) { "`families` must hold one or more. Received: none" }
    }

    /**
     * Compress a photograph of red, green and blue to a `.kae` file, by the rule of effort 0.
     *
     * @param quality 1 (the smallest file) to 100 (the best image)
     */
    suspend fun compress(image: Image, quality: Int = DEFAULT_QUALITY): ByteArray {
        checkQuality(quality)
        checkPixels(image, limits, PLANES)
        val family = families.first()
        return withContext(dispatcher) {
            val head = PhotoHead(quality, image.height, image.width)
            val coefficients = analysePhoto(family, image) { ensureActive() }
            val rounded = roundPhoto(coefficients, family.steps[quality - 1])
            val symbols = predictLowest(rounded, head.columns)
            val classes = cheapestPhotoClasses(family, symbols)
            dropUncoded(family, symbols, classes)
            write(head, symbols, classes) { ensureActive() }
        }
    }

    /**
     * Rebuild the photograph of a file.
     *
     * @throws BitstreamError if the bytes are damaged, of an unknown family or version, or claim more than
     *     is allowed; see the classes derived from it
     */
    suspend fun decompress(data: ByteArray): Image = withContext(dispatcher) {
        val (head, coded) = read(data) { ensureActive() }
        synthesisePhoto(familyOf(data), coded, head) { ensureActive() }
    }

    /** What a file says, and its symbols. */
    suspend fun unpack(data: ByteArray): Pair<PhotoHead, PhotoSymbols> =
        withContext(dispatcher) { read(data) { ensureActive() } }

    /** The `.kae` file of symbols as `unpack` gives them. */
    suspend fun pack(head: PhotoHead, coded: PhotoSymbols): ByteArray {
        checkQuality(head.quality)
        val cells = product(head.rows.toLong(), head.columns.toLong())
        require(cells > 0 && coded.classes.size.toLong() == cells && coded.symbols.all { it.size.toLong() == cells }) {
            "`coded` must have the symbols and classes of $cells cells. Received: ${coded.classes.size} classes"
        }
        val family = families.first()
        require(coded.classes.all { it in 0 until family.count }) { "`coded.classes` must be below ${family.count}." }
        return withContext(dispatcher) {
            write(head, predictLowest(coded.symbols, head.columns), coded.classes) { ensureActive() }
        }
    }

    private fun write(head: PhotoHead, symbols: Array<ShortArray>, classes: ByteArray, alive: () -> Unit): ByteArray {
        val family = families.first()
        val payload = packPhoto(family, symbols, classes, head.columns, head.quality, alive)
        return writePhoto(head, payload.since(0), family.hash)
    }

    private fun read(data: ByteArray, alive: () -> Unit): Pair<PhotoHead, PhotoSymbols> {
        val family = familyOf(data)
        val (head, payload) = readPhoto(data, family.hash, limits)
        val coded = unpackPhoto(family, payload, head, limits, alive)
        unpredictLowest(coded.symbols, head.columns)
        return head to coded
    }

    /** The family that a file names; the first one for what is no such file, and refused later. */
    private fun familyOf(data: ByteArray): Family {
        val id = familyId(data)?.let { hex(it) } ?: return families.first()
        return families.firstOrNull { it.id == id } ?: throw BitstreamBundleError(
            "The bitstream was made with family $id, which this codec does not have: " +
                families.joinToString { it.id } + ".",
        )
    }

    private fun checkQuality(quality: Int) = require(quality in 1..PHOTO_QUALITIES) {
        "`quality` must be from 1 to $PHOTO_QUALITIES. Received: quality=$quality"
    }

    companion object {
        const val DEFAULT_QUALITY = 75
        private val SHIPPED = listOf("photo-2", "photo-1") // the newest first, which writes

        /** The codec of the families that ship, which lie in the JAR. */
        fun shipped(limits: Limits = Limits(), dispatcher: CoroutineDispatcher = Dispatchers.Default): PhotoCodec {
            val families = SHIPPED.map { name ->
                val stream = PhotoCodec::class.java.getResourceAsStream("/kerasae/$name/family.json")
                    ?: throw BundleError("kerasae/$name/family.json is missing from the program's resources.")
                Family.parse(stream.use { it.readBytes() })
            }
            return PhotoCodec(families, limits, dispatcher)
        }
    }
}

/** The symbols of coefficients, lowest ones not yet as differences (FORMAT.md, 11). */
private fun roundPhoto(coefficients: Array<IntArray>, step: Int): Array<ShortArray> =
    Array(PHOTO_CHANNELS) { channel ->
        val lowest = channel % CELL_AREA == 0
        val own = coefficients[channel]
        ShortArray(own.size) {
            val c = own[it].toLong()
            val symbol = when {
                lowest -> Math.floorDiv(c + 32L * step, 64L * step)
                c < 0 -> -((-c + 21L * step) / (64L * step))
                else -> (c + 21L * step) / (64L * step)
            }
            symbol.coerceIn(-32767, 32767).toShort()
        }
    }

/** The class of each cell of least cost, the first of several (FORMAT.md, 11). */
private fun cheapestPhotoClasses(family: Family, symbols: Array<ShortArray>): ByteArray {
    val count = family.count
    val cells = symbols[0].size
    val costs = IntArray(PHOTO_CHANNELS * PHOTO_BUCKETS * count) // of each bucket of a channel in each class
    for (channel in 0 until PHOTO_CHANNELS) for (k in 0 until count) {
        val at = family.classes[k * PHOTO_CHANNELS + channel] * PHOTO_BUCKETS
        for (b in 0 until PHOTO_BUCKETS) {
            costs[(channel * PHOTO_BUCKETS + b) * count + k] = family.costs[at + b]
        }
    }
    val classes = ByteArray(cells)
    val totals = IntArray(PIECE * count)
    for (first in 0 until cells step PIECE) {
        val stop = minOf(cells, first + PIECE)
        totals.fill(0)
        for (channel in 0 until PHOTO_CHANNELS) for (cell in first until stop) {
            val from = (channel * PHOTO_BUCKETS + bucketOf(symbols[channel][cell].toInt())) * count
            val to = (cell - first) * count
            for (k in 0 until count) totals[to + k] += costs[from + k]
        }
        for (cell in first until stop) {
            val at = (cell - first) * count
            var best = 0
            for (k in 1 until count) if (totals[at + k] < totals[at + best]) best = k
            classes[cell] = best.toByte()
        }
    }
    return classes
}

private const val PIECE = 256 // cells, whose sums stay in a cache

/** 0, 1, 2, 3-4, 5-8, 9-16, 17-32, and 33 and more. */
private fun bucketOf(symbol: Int): Int {
    val magnitude = abs(symbol)
    return if (magnitude == 0) 0 else minOf(7, 33 - (magnitude - 1).countLeadingZeroBits())
}

/** Make 0 the symbols that the class of their cell does not code. */
private fun dropUncoded(family: Family, symbols: Array<ShortArray>, classes: ByteArray) {
    for (channel in 0 until PHOTO_CHANNELS) {
        val own = symbols[channel]
        for (cell in own.indices) {
            if (family.classes[classes[cell] * PHOTO_CHANNELS + channel] == 0.toByte()) own[cell] = 0
        }
    }
}
