package kerasae.desktop

import java.io.File
import kerasae.Image
import kerasae.ModelBundle
import kerasae.PhotoCodec
import kotlinx.coroutines.runBlocking

/** Compresses each PNM picture of a folder to a `.kae` file, and rebuilds it as `.out`. */
internal fun pictures(bundle: String, folder: File, quality: Int?) = runBlocking {
    val codec = if (bundle == "-") null else LiteRtModel.codec(ModelBundle.load(File(bundle)))
    val photographs = if (codec == null) PhotoCodec.shipped() else null
    val files = folder.listFiles { file -> file.extension in setOf("pgm", "ppm") }.orEmpty().sorted()
    for (file in files) {
        val image = readPnm(file.readBytes())
        val data = codec?.compress(image, quality ?: codec.qualities)
            ?: photographs!!.compress(image, quality ?: PhotoCodec.DEFAULT_QUALITY)
        File(folder, "${file.nameWithoutExtension}.kae").writeBytes(data)
        val rebuilt = codec?.decompress(data) ?: photographs!!.decompress(data)
        File(folder, "${file.nameWithoutExtension}.out").writeBytes(rebuilt.data)
    }
    println("pictures: ${files.size}")
}

private fun readPnm(bytes: ByteArray): Image {
    var at = 0
    val words = List(4) {
        val first = at
        while (!bytes[at].toInt().toChar().isWhitespace()) at++
        String(bytes, first, at++ - first, Charsets.US_ASCII)
    }
    return Image(bytes.copyOfRange(at, bytes.size), words[2].toInt(), words[1].toInt())
}

/** `BUNDLE FOLDER [QUALITY]`, with `-` for the codec of photographs. */
fun main(arguments: Array<String>) = pictures(arguments[0], File(arguments[1]), arguments.getOrNull(2)?.toInt())
