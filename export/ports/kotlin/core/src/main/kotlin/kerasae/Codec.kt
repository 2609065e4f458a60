package kerasae

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * Rows of pixels from the top, with the channels of the codec: grey, or red, green, blue.
 *
 * @property data unsigned bytes, height x width x channels of them
 */
class Image(val data: ByteArray, val height: Int, val width: Int)

/** The symbols of an image, channels of the code running fastest. */
class Coded(val symbols: IntArray, val height: Int, val width: Int, val quality: Int)

/** Runs a model once; only one call at a time is made, on a thread of the codec's dispatcher. */
fun interface Model {
    /** Takes all values of the model's input, and fills those of its output; both are used again. */
    fun run(input: Tensor, output: Tensor)
}

/** A model gave what no code can be made of: values that are not finite, or no index of the codebook. */
class ModelException(message: String) : RuntimeException(message)

/**
 * Compresses images to bytes and back with a bundle. It runs no networks: models are passed that do.
 *
 * @param manifest that of a [ModelBundle]
 * @param encoder runs the encoder; may be missing where only `pack` and `unpack` are called
 * @param decoder runs the decoder; may be missing, too
 * @param dispatcher where the models run; by default, the threads for work of the processor
 */
class Codec(
    val manifest: Manifest,
    private val encoder: Model? = null,
    private val decoder: Model? = null,
    private val limits: Limits = Limits(),
    private val dispatcher: CoroutineDispatcher = Dispatchers.Default,
) {
    private val spec = manifest.codec
    private val layout = Layout(spec)
    private val tables = spec.qualities.map(::Tables)
    private val steps = spec.qualities.map(::stepsOf)
    private val payloads = Payloads(layout, limits, spec.codebook)
    private val encoding = Any()
    private val decoding = Any()

    private val context get() = Context(spec, layout, manifest.hash, limits)

    /** How many qualities there are: 1, the smallest files, to this, the best and the default. */
    val qualities get() = tables.size

    /** Compress an image to a `.kae` file. */
    suspend fun compress(image: Image, quality: Int = qualities): ByteArray = pack(encode(image, quality))

    /** Rebuild the image of a `.kae` file. */
    suspend fun decompress(data: ByteArray): Image = decode(withContext(dispatcher) { unpack(data) })

    /** The `.kae` file of symbols. */
    fun pack(coded: Coded): ByteArray = writeImage(blockOf(listOf(coded)), context)

    /** The symbols of a `.kae` file. */
    fun unpack(data: ByteArray): Coded = unpackBlock(readImage(data.view(), context)).single()

    /** The stream of images: a block ends where size or quality changes, after 256 images or 2^22 pixels. */
    fun packMany(images: List<Coded>): ByteArray {
        val writer = streamWriter()
        var first = 0
        while (first < images.size) {
            val one = images[first]
            val alike = images.subList(first, minOf(first + 256, images.size))
                .takeWhile { it.height == one.height && it.width == one.width && it.quality == one.quality }
            val most = BLOCK_PIXELS / product(maxOf(1, one.height).toLong(), maxOf(1, one.width).toLong())
            val block = alike.take(most.coerceIn(1, 256).toInt())
            writer.put(blockOf(block))
            first += block.size
        }
        return writer.finish()
    }

    /** The images of a stream. To decode one while it arrives, see [streamReader]. */
    fun unpackMany(data: ByteArray): List<Coded> {
        val reader = StreamReader(context, data)
        return generateSequence { reader.next() }.flatMap { unpackBlock(it) }.toList()
    }

    fun streamReader() = StreamReader(context)

    /** A writer of blocks, which [blockOf] makes. */
    fun streamWriter() = StreamWriter(context)

    /** One to 256 images of one size and quality as a block. */
    fun blockOf(images: List<Coded>): Block {
        require(images.size in 1..256) { "`images` must be 1 to 256. Received: ${images.size}" }
        val one = images[0]
        for (coded in images) {
            checkCoded(coded)
            require(coded.height == one.height && coded.width == one.width && coded.quality == one.quality) {
                "`images` must be of one size and quality."
            }
        }
        val symbols = if (images.size == 1) one.symbols else {
            IntArray(images.size * one.symbols.size).also {
                images.forEachIndexed { i, coded -> coded.symbols.copyInto(it, i * coded.symbols.size) }
            }
        }
        val payload = payloads.pack(tables[one.quality - 1], symbols, images.size, one.height, one.width)
        return Block(images.size, one.height, one.width, one.quality, payload.view())
    }

    /** The images of a block. */
    fun unpackBlock(block: Block): List<Coded> {
        val symbols = payloads.unpack(tables[block.quality - 1], block)
        if (block.count == 1) return listOf(Coded(symbols, block.height, block.width, block.quality))
        val each = symbols.size / block.count
        return List(block.count) {
            Coded(symbols.copyOfRange(it * each, (it + 1) * each), block.height, block.width, block.quality)
        }
    }

    /** The symbols of an image, by running the encoder tile by tile. */
    suspend fun encode(image: Image, quality: Int = qualities): Coded {
        checkQuality(quality)
        checkImage(image)
        val model = checkNotNull(encoder) { "`encode` needs a codec with an encoder." }
        val symbols = IntArray(layout.count(image.height.toLong(), image.width.toLong()).toInt())
        val work = TileWork(layout, spec.channels, steps[quality - 1])
        withContext(dispatcher) {
            val input = Values(manifest.encoder.input)
            val output = Values(manifest.encoder.output)
            for (row in layout.rowSpans(image.height)) for (column in layout.columnSpans(image.width)) {
                ensureActive()
                work.putPixels(image, row, column, input)
                synchronized(encoding) { model.run(input.tensor, output.tensor) }
                work.takeSymbols(output, row, column, image.width, symbols)
            }
        }
        if (!payloads.areIndices(symbols)) throw ModelException("The encoder gave a symbol that is no index.")
        return Coded(symbols, image.height, image.width, quality)
    }

    /** The image of symbols, by running the decoder tile by tile. */
    suspend fun decode(coded: Coded): Image {
        checkCoded(coded)
        require(product(coded.height.toLong(), coded.width.toLong()) <= limits.maxPixels) {
            "`coded` must have at most ${limits.maxPixels} pixels. Received: ${coded.height} x ${coded.width}"
        }
        val model = checkNotNull(decoder) { "`decode` needs a codec with a decoder." }
        val image = Image(ByteArray(coded.height * coded.width * spec.channels), coded.height, coded.width)
        val work = TileWork(layout, spec.channels, steps[coded.quality - 1])
        withContext(dispatcher) {
            val input = Values(manifest.decoder.input)
            val output = Values(manifest.decoder.output)
            for (row in layout.rowSpans(coded.height)) for (column in layout.columnSpans(coded.width)) {
                ensureActive()
                work.putSymbols(coded, row, column, input)
                synchronized(decoding) { model.run(input.tensor, output.tensor) }
                work.takePixels(output, row, column, image)
            }
        }
        return image
    }

    private fun checkQuality(quality: Int) =
        require(quality in 1..qualities) { "`quality` must be from 1 to $qualities. Received: quality=$quality" }

    private fun checkImage(image: Image) {
        checkPixels(image, limits, spec.channels)
        // As much work as a reader allows.
        Budget(spec, layout, limits).take(1, image.height.toLong(), image.width.toLong(), 1, 0)?.let {
            throw BitstreamLimitError("The image $it")
        }
    }

    private fun checkCoded(coded: Coded) {
        checkQuality(coded.quality)
        val some = coded.height > 0 && coded.width > 0
        val count = if (some) layout.count(coded.height.toLong(), coded.width.toLong()) else 0
        require(some && coded.symbols.size.toLong() == count) {
            "`symbols` must be the $count integers of a ${coded.height} x ${coded.width} image. " +
                "Received: ${coded.symbols.size}"
        }
        require(payloads.areIndices(coded.symbols)) { "`symbols` must be indices from 0 to ${spec.codebook - 1}." }
    }

    private companion object {
        const val BLOCK_PIXELS = 1L shl 22
    }
}

internal fun checkPixels(image: Image, limits: Limits, channels: Int) {
    val some = image.height > 0 && image.width > 0
    val pixels = if (some) product(image.height.toLong(), image.width.toLong()) else 0
    require(pixels in 1..limits.maxPixels) {
        "`image` must have 1 to ${limits.maxPixels} pixels. Received: ${image.height} x ${image.width}"
    }
    require(image.data.size.toLong() == pixels * channels) {
        "`image.data` must be ${pixels * channels} bytes. Received: ${image.data.size}"
    }
}
