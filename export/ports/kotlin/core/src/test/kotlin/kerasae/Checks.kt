package kerasae

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield

// What the conformance set does not hold: hashes, JSON, networks and tiles, arguments, memory.

internal object Checks {
    fun run() = runBlocking {
        hashes()
        jsonIsStrict()
        imagesPassThroughTiles()
        argumentsAreChecked()
        streamsArriveInPieces()
        photographsPass()
        workCanBeCancelled()
    }

    private fun hashes() {
        fun bytes(text: String) = text.toByteArray()
        Check.that(crcOf(bytes("123456789").view()) == 0xCBF43926.toInt(), "CRC-32 of nine digits")
        Check.that(crcOf(bytes("12345").view(), bytes("6789").view()) == 0xCBF43926.toInt(), "in two pieces")
        val abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        Check.that(hex(sha256(bytes("a"), bytes("bc"))) == abc, "SHA-256 of abc")
    }

    private fun jsonIsStrict() {
        val good = listOf(
            "0", "-0", "1.5e-3", "[]", "{}", " [1 , 2] ", "\"\\u00e9\\ud83d\\ude00\\n\"", "1e-400",
            "{\"a\":{\"a\":1},\"b\":[null,true,false]}", "123456789012345678901234567890",
        )
        for (text in good) Json.parse(text.toByteArray())
        val bad = listOf(
            "", " ", "01", "+1", ".5", "1.", "1e", "--1", "0x1", "1d", "1f", "NaN", "Infinity", "1e400", "[1,]",
            "[1", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":1,\"a\":2}", "\"", "\"\\x\"", "\"\\u12\"",
            "\"\\u+123\"", "\"\t\"", "nul", "truee", "1 2", "[1]]", "// x\n1", "'a'", "\uFEFF1", "[".repeat(100_000),
        )
        for (text in bad) Check.throws(Json.ParseException::class, text.take(40)) { Json.parse(text.toByteArray()) }
        for (bytes in listOf("22ff22", "22c0af22", "22eda08022", "22f490808022", "22e28222")) {
            Check.throws(Json.ParseException::class, bytes) { Json.parse(fromHex(bytes)) }
        }
        Check.that((Json.parse("7.0".toByteArray()) as Json.Number).integer == null, "a fraction is no integer")
        Check.that(Json.parse("\"\\ud83d\\ude00\"".toByteArray()) == Json.Text("\uD83D\uDE00"), "a pair")
    }

    /** A bundle with a grid of 4 x 6 cells of 2 x 2 pixels, margin 1, two qualities, three classes. */
    private fun grid(dtype: String, scale: String): Manifest {
        val edge = """"dtype":"$dtype","scale":$scale,"zero_point":0}"""
        val image = """{"shape":[1,8,12,1],$edge"""
        val code = """{"shape":[1,4,6,2],$edge"""
        val tables = List(6) { """{"frequencies":[1000,2000,1000,96],"offset":-1}""" }
        val one = """{"classes":3,"step":{"exponent":-1,"mantissas":[1,1]},"tables":$tables}"""
        val hash = "\"${"a".repeat(64)}\""
        val file = """{"sha256":$hash,"bytes":1}"""
        return Manifest.parse(
            """{"format":"kerasae-bundle","format_version":1,"scheme":"int8","bundle_hash":$hash,
            "pixel_tolerance":1,"facts":{},"encoder":{"file":"e","input":$image,"output":$code},
            "decoder":{"file":"d","input":$code,"output":$image},"files":{"e":$file,"d":$file},
            "codec":{"channels":1,"tile":[8,12],"layout":"grid","stride":2,"margin":1,"code_shape":[4,6,2],
            "codebook":0,"group":2,"table_bits":12,"qualities":[$one,$one]}}""".toByteArray(),
        )
    }

    private fun copy(from: Tensor, i: Int, to: Tensor, j: Int) {
        if (from is Tensor.Levels && to is Tensor.Levels) to.data[j] = from.data[i]
        if (from is Tensor.Floats && to is Tensor.Floats) to.data[j] = from.data[i]
    }

    /**
     * A network that keeps the upper left and the lower right pixel of a cell, and one that fills the cell
     * with them: images whose cells have one colour come back as they were.
     */
    private fun codec(manifest: Manifest) = Codec(
        manifest,
        encoder = { input, output ->
            for (cell in 0 until 24) {
                val at = 24 * (cell / 6) + 2 * (cell % 6)
                copy(input, at, output, 2 * cell)
                copy(input, at + 13, output, 2 * cell + 1)
            }
        },
        decoder = { input, output ->
            for (y in 0 until 8) for (x in 0 until 12) {
                copy(input, 2 * (6 * (y / 2) + x / 2) + y % 2, output, 12 * y + x)
            }
        },
    )

    private suspend fun imagesPassThroughTiles() {
        for ((dtype, scale) in listOf("uint8" to "0.5", "float32" to "1")) {
            val codec = codec(grid(dtype, scale))
            for ((height, width) in listOf(1 to 1, 8 to 12, 9 to 13, 31 to 50, 2 to 90)) {
                val data = ByteArray(height * width) {
                    if ((it / width / 2 * 7 + it % width / 2 * 3) % 2 != 0) -1 else 0
                }
                for (quality in 1..2) {
                    val file = codec.compress(Image(data, height, width), quality)
                    Check.that(codec.decompress(file).data.contentEquals(data), "an image passes")
                    Check.that(codec.unpack(file).quality == quality, "quality")
                }
            }
        }
    }

    private fun argumentsAreChecked() {
        val codec = codec(grid("uint8", "0.5"))
        val bare = Codec(grid("uint8", "0.5"))
        val image = Image(ByteArray(4), 2, 2)
        fun refused(what: String, call: suspend () -> Unit) =
            Check.throws(IllegalArgumentException::class, what) { runBlocking { call() } }
        refused("too few bytes") { codec.compress(Image(ByteArray(3), 2, 2)) }
        refused("no pixels") { codec.compress(Image(ByteArray(0), 0, 2)) }
        refused("less than no pixels") { codec.compress(Image(ByteArray(4), -2, -2)) }
        refused("quality 3") { codec.compress(image, 3) }
        refused("too many symbols") { codec.pack(Coded(IntArray(3), 2, 2, 1)) }
        refused("quality 0") { codec.pack(Coded(IntArray(2), 2, 2, 0)) }
        refused("no images") { codec.blockOf(emptyList()) }
        refused("limits of 0") { Limits(maxPixels = 0) }
        refused("limits beyond arrays") { Limits(maxPixels = 1L shl 30) }
        Check.throws(IllegalStateException::class, "no encoder") { runBlocking { bare.compress(image) } }
        Check.throws(IllegalStateException::class, "no decoder") {
            runBlocking { bare.decode(Coded(IntArray(2), 2, 2, 1)) }
        }
        val broken = Model { _, output -> (output as Tensor.Floats).data.fill(Float.NaN) }
        val wild = Codec(grid("float32", "1"), broken, broken)
        Check.throws(ModelException::class, "not finite") { runBlocking { wild.compress(image) } }
        val black = runBlocking { wild.decode(Coded(IntArray(2), 2, 2, 1)) }
        Check.that(black.data.all { it == 0.toByte() }, "not a number is 0")
    }

    private fun streamsArriveInPieces() {
        val codec = Codec(grid("uint8", "0.5"))
        val reader = codec.streamReader()
        val data = codec.packMany(List(5) { Coded(IntArray(2), 2, 2, 1) })
        for (i in 0 until data.size - 1) {
            reader.push(data, i, i + 1)
            reader.next()?.let { Check.that(it.count == 5, "a block") }
        }
        reader.finish()
        Check.throws(CorruptBitstreamError::class, "the end is missing") { reader.next() }
        Check.throws(CorruptBitstreamError::class, "still") { reader.next() }
        Check.throws(IllegalStateException::class, "pushed too late") { reader.push(data) }
    }

    private suspend fun photographsPass() {
        val codec = PhotoCodec.shipped()
        val image = Image(ByteArray(3 * 40 * 50) { (it * it % 251).toByte() }, 40, 50)
        val data = codec.compress(image, 90)
        val (head, coded) = codec.unpack(data)
        Check.that(head == PhotoHead(90, 40, 50), "the head")
        Check.that(codec.pack(head, coded).contentEquals(data), "symbols pass")
        fun refused(what: String, call: suspend () -> Unit) =
            Check.throws(IllegalArgumentException::class, what) { runBlocking { call() } }
        refused("quality 0") { codec.compress(image, 0) }
        refused("quality 101") { codec.compress(image, 101) }
        refused("too few bytes") { codec.compress(Image(ByteArray(11), 2, 2)) }
        refused("other cells") { codec.pack(PhotoHead(50, 60, 70), coded) }
        refused("no family") { PhotoCodec(emptyList()) }
        data[3] = (data[3] + 1).toByte()
        Check.throws(BitstreamBundleError::class, "an unknown family") { runBlocking { codec.decompress(data) } }
    }

    private suspend fun workCanBeCancelled() {
        val codec = PhotoCodec.shipped()
        val image = Image(ByteArray(3 * 1000 * 1000), 1000, 1000)
        var found: Throwable? = null
        runBlocking {
            val work: Job = launch {
                try {
                    codec.compress(image)
                } catch (error: CancellationException) {
                    found = error
                }
            }
            yield()
            work.cancel()
            work.join()
        }
        Check.that(found is CancellationException, "compressing is cancelled")
    }
}
