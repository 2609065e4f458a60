package kerasae

import java.io.File
import kotlin.math.abs
import kotlin.math.pow
import kotlinx.coroutines.runBlocking

// Runs the conformance set, as its README says.

internal class Conformance(private val root: File) {
    private val index = root.resolve("index.json").json()

    fun run() {
        manifests()
        files()
        values()
        spans()
        photographs(families())
    }

    private fun bytes(name: String) = root.resolve(name).readBytes()

    private fun each(list: String, check: (Json) -> Unit) {
        val cases = index.list(list)
        cases.forEach(check)
        println("$list: ${cases.size}")
    }

    private fun manifests() = each("manifests") { case ->
        val good = try {
            Manifest.parse(bytes(case.text("file")))
            true
        } catch (error: BundleError) {
            false
        }
        Check.that(good == (case["section"] == null), case.text("name"))
    }

    private fun files() {
        val manifests = index.list("bundles").associate { bundle ->
            val manifest = ModelBundle.load(root.resolve(bundle.text("folder"))).manifest
            Check.that(manifest.bundleHash == bundle.text("bundle_hash"), "bundle hash")
            bundle.text("name") to manifest
        }
        each("files") { case ->
            val name = case.text("name")
            val codec = Codec(manifests.getValue(case.text("bundle")), limits = limits(case))
            val data = bytes(case.text("file"))
            val stream = case.text("kind") == "stream"
            var images = emptyList<Coded>()
            val found = refusal { images = if (stream) codec.unpackMany(data) else listOf(codec.unpack(data)) }
            Check.that(found == case["error"]?.let { case.text("error") }, "$name: $found")
            if (stream) for (piece in listOf(1, 7, 100_000)) {
                if (piece == 1 && data.size > 5000) continue
                var again = emptyList<Coded>()
                val word = refusal { again = arriving(codec, data, piece) }
                val same = again.size == images.size && again.zip(images).all { (a, b) -> same(a, b) }
                Check.that(word == found && (word != null || same), "$name: while it arrives: $word")
            }
            if (found == null) good(codec, case, images, data)
        }
    }

    private fun limits(case: Json): Limits {
        val given = case["limits"] ?: return Limits()
        val usual = Limits()
        return Limits(
            given["max_pixels"]?.whole() ?: usual.maxPixels,
            given["max_images"]?.whole() ?: usual.maxImages,
            given["max_expansion"]?.whole() ?: usual.maxExpansion,
        )
    }

    private fun refusal(read: () -> Unit): String? = try {
        read()
        null
    } catch (error: BitstreamError) {
        when (error) {
            is CorruptBitstreamError -> "corrupt"
            is BitstreamVersionError -> "version"
            is BitstreamBundleError -> "bundle"
            is BitstreamLimitError -> "limit"
            is BitstreamKindError -> "other"
        }
    }

    private fun arriving(codec: Codec, data: ByteArray, piece: Int): List<Coded> {
        val reader = codec.streamReader()
        val images = ArrayList<Coded>()
        fun take() {
            while (true) images += codec.unpackBlock(reader.next() ?: break)
        }
        for (at in data.indices step piece) {
            reader.push(data, at, minOf(at + piece, data.size))
            take()
        }
        reader.finish()
        take()
        return images
    }

    private fun same(a: Coded, b: Coded) = a.symbols.contentEquals(b.symbols) && a.height == b.height &&
        a.width == b.width && a.quality == b.quality

    private fun good(codec: Codec, case: Json, images: List<Coded>, data: ByteArray) {
        val name = case.text("name")
        val kept = bytes(case.text("symbols"))
        var at = 0
        var k = 0
        for (group in case.list("images")) for (i in 0 until group.whole("count")) {
            val image = images[k++]
            Check.that(image.height.toLong() == group.whole("height"), "$name: height")
            Check.that(image.width.toLong() == group.whole("width"), "$name: width")
            Check.that(image.quality.toLong() == group.whole("quality"), "$name: quality")
            val equal = image.symbols.all { symbol ->
                val word = wordBytes(symbol)
                (0..3).all { word[it] == kept[at + it] }.also { at = (at + 4) % kept.size }
            }
            Check.that(equal, "$name: symbols")
        }
        Check.that(k == images.size, "$name: number of images")
        val written = if (case.text("kind") == "stream") codec.packMany(images) else codec.pack(images[0])
        Check.that(written.contentEquals(data), "$name: written")
    }

    private fun values() = each("values") { case ->
        val dtype = if (case.text("dtype") == "uint8") DType.UINT8 else DType.FLOAT32
        val outputs = case.list("outputs")
        val edge = Edge(
            listOf(maxOf(256, outputs.size)), dtype, case["scale"]!!.real(), case.whole("zero_point").toInt(),
        )
        val input = Values(edge)
        for (p in 0..255) {
            input[p] = p / 255.0
            Check.that(held(input, p) == case.list("inputs")[p].real(), "inputs")
        }
        val given = Values(edge)
        outputs.forEachIndexed { i, output ->
            when (val tensor = given.tensor) {
                is Tensor.Levels -> tensor.data[i] = output.whole().toByte()
                is Tensor.Floats -> tensor.data[i] = output.real().toFloat()
                is Tensor.Indices -> Check.that(false, "no indices")
            }
            Check.that((given.pixel(i).toInt() and 255).toLong() == case.list("pixels")[i].whole(), "pixels")
        }
        for (step in case.list("steps")) {
            val size = step["mantissa"]!!.real() * 2.0.pow(step.whole("exponent").toInt())
            for (i in outputs.indices) {
                Check.that(symbolOf(given[i], size).toLong() == step.list("symbols")[i].whole(), "symbols")
            }
            step.list("sample").forEachIndexed { i, symbol ->
                input[i] = symbol.real() * size
                Check.that(held(input, i) == step.list("sample_inputs")[i].real(), "sample inputs")
            }
        }
    }

    private fun held(values: Values, i: Int): Double = when (val tensor = values.tensor) {
        is Tensor.Levels -> (tensor.data[i].toInt() and 255).toDouble()
        is Tensor.Floats -> tensor.data[i].toDouble()
        is Tensor.Indices -> tensor.data[i].toDouble()
    }

    private fun spans() = each("spans") { case ->
        fun number(name: String) = case.whole(name).toInt()
        val found = spans(number("cells"), number("tile"), number("margin"))
        val expected = case.list("spans").map { span -> (span as Json.List).items.map { it.whole().toInt() } }
        Check.that(found.map { listOf(it.origin, it.start, it.stop) } == expected, "spans")
    }

    private fun families(): Map<String, Family> {
        val families = HashMap<String, Family>()
        each("families") { case ->
            val name = case.text("name")
            val good = try {
                val family = Family.parse(bytes(case.text("file")))
                if (case["family_hash"] != null) {
                    Check.that(hex(family.hash) == case.text("family_hash"), "$name: hash")
                    families[name] = family
                }
                true
            } catch (error: BundleError) {
                false
            }
            Check.that(good == (case["section"] == null), name)
        }
        return families
    }

    private fun photographs(families: Map<String, Family>) = each("photographs") { case ->
        val codec = PhotoCodec(listOf(families.getValue(case.text("family"))), limits(case))
        val data = bytes(case.text("file"))
        val found = refusal { runBlocking { codec.decompress(data) } }
        Check.that(found == case["error"]?.let { case.text("error") }, "${case.text("name")}: $found")
        if (found == null) runBlocking { photograph(codec, case, data) }
    }

    private suspend fun photograph(codec: PhotoCodec, case: Json, data: ByteArray) {
        val name = case.text("name")
        val (head, coded) = codec.unpack(data)
        Check.that(head == PhotoHead.read(data), "$name: head")
        Check.that(head.height.toLong() == case.whole("height"), "$name: height")
        Check.that(head.width.toLong() == case.whole("width"), "$name: width")
        Check.that(head.quality.toLong() == case.whole("quality"), "$name: quality")
        val symbols = ByteWriter()
        for (channel in coded.symbols) for (symbol in channel) {
            symbols.put(symbol.toInt())
            symbols.put(symbol.toInt() shr 8)
        }
        Check.that(hex(sha256(symbols.toByteArray())) == case.text("symbols"), "$name: symbols")
        Check.that(hex(sha256(coded.classes)) == case.text("classes"), "$name: classes")
        val written = codec.pack(head, coded).contentEquals(data)
        Check.that(written == (case["written"] as Json.Flag).value, "$name: written")
        val rebuilt = codec.decompress(data)
        Check.that(rebuilt.data.size == 3 * head.height * head.width, "$name: pixels")
        if (case["image"] == null) return
        val pixels = bytes(case.text("pixels"))
        val close = pixels.indices.all {
            abs((rebuilt.data[it].toInt() and 255) - (pixels[it].toInt() and 255)) <= 1
        }
        Check.that(close, "$name: pixels")
        val image = Image(bytes(case.text("image")), head.height, head.width)
        Check.that(codec.compress(image, head.quality).contentEquals(data), "$name: compressed")
    }
}
