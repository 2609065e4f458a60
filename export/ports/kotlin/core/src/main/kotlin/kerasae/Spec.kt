package kerasae

/** The frequencies of one channel's symbols: of `offset`, `offset` + 1, ..., and of the escape. */
class Table internal constructor(val offset: Int, internal val frequencies: IntArray)

/** How finely a code is rounded, and how its symbols are coded. */
class Quality internal constructor(
    val exponent: Int,
    internal val mantissas: IntArray,
    val classes: Int,
    /** For each class, for each channel of the code. */
    val tables: List<Table>,
)

enum class LayoutKind { GRID, BLOCKS }

/** The codec part of a manifest: everything that the meaning of a bitstream depends on. */
class CodecSpec internal constructor(
    /** 1, grey, or 3: red, green and blue. */
    val channels: Int,
    val tileHeight: Int,
    val tileWidth: Int,
    val layout: LayoutKind,
    val stride: Int,
    val margin: Int,
    val codeShape: List<Int>,
    /** 0 for a code of values, else how many indices there are. */
    val codebook: Int,
    val group: Int,
    val qualities: List<Quality>,
) {
    val codeChannels get() = codeShape.last()

    /** The shape of the code at the edges of the models; indices have no axis of channels. */
    internal val codeEdge get() =
        listOf(1) + if (codebook > 0 && codeShape.last() == 1) codeShape.dropLast(1) else codeShape
}

enum class DType { UINT8, FLOAT32, INT32 }

/** An input or output of a model. For `UINT8`, value = scale * (q - zeroPoint). */
data class Edge(val shape: List<Int>, val dtype: DType, val scale: Double, val zeroPoint: Int) {
    val size get() = shape.fold(1) { product, side -> product * side }
}

/** A model: its file, its edges, and the signature to run where one file holds both models. */
data class Part(val file: String, val input: Edge, val output: Edge, val signature: String?)

data class ListedFile(val sha256: String, val bytes: Long)

/** What `manifest.json` says; see [Manifest.parse]. */
class Manifest internal constructor(
    val scheme: String,
    internal val hash: ByteArray,
    /** How many levels of 255 two correct decoders may differ. */
    val pixelTolerance: Int,
    val codec: CodecSpec,
    val encoder: Part,
    val decoder: Part,
    val files: Map<String, ListedFile>,
) {
    /** 64 hexadecimal digits; a `.kae` file names its bundle by the first four. */
    val bundleHash get() = hex(hash)

    companion object {
        /**
         * Parse and check the content of `manifest.json`.
         *
         * @throws BundleError if a field breaks its rule
         */
        fun parse(content: ByteArray): Manifest = parseManifest(content)
    }
}
