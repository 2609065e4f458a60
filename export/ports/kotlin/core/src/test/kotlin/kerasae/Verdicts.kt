package kerasae

import java.io.File
import java.util.zip.CRC32
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking

// What this code says of bytes: a line in, "WHICH KIND HEX", a line out. benchmarks/ports.py starts it with
// a file that holds manifests, and families of photographs, beside the other languages.

internal class Verdicts(told: Json) {
    private val limits = Limits(maxPixels = told.whole("maxPixels"))
    private val codecs = told.list("manifests").map {
        Codec(Manifest.parse((it as Json.Text).value.toByteArray()), limits = limits)
    }
    private val photographs = PhotoCodec(
        (told["families"] as Json.Object).members.toSortedMap().values.map {
            Family.parse((it as Json.Text).value.toByteArray())
        },
        limits,
        Dispatchers.Unconfined,
    )

    fun run() {
        for (line in generateSequence { readlnOrNull() }) {
            val words = line.split(" ")
            println(verdict(words[0].toInt(), words[1], fromHex(words.getOrElse(2) { "" })))
            System.out.flush()
        }
    }

    private fun verdict(which: Int, kind: String, data: ByteArray): String = try {
        runBlocking { read(which, kind, data) }
    } catch (error: BitstreamKindError) {
        "BitstreamError"
    } catch (error: KerasaeError) {
        error::class.simpleName!!
    } catch (error: Throwable) {
        "crash: $error"
    }

    private suspend fun read(which: Int, kind: String, data: ByteArray): String = when (kind) {
        "manifest" -> "fine".also { Manifest.parse(data) }
        "photo" -> photograph(data)
        "stream" -> codecs[which].unpackMany(data).joinToString(" ", transform = ::described)
        else -> described(codecs[which].unpack(data))
    }

    private suspend fun photograph(data: ByteArray): String {
        val (head, coded) = photographs.unpack(data)
        val pixels = photographs.decompress(data).data.size
        if (pixels != 3 * head.height * head.width) return "crash: pixels"
        val symbols = crc(coded.symbols.asSequence().flatMap { each -> each.asSequence().map { it.toInt() } })
        val classes = crc(coded.classes.asSequence().map { it.toInt() })
        return "${head.height}x${head.width}q${head.quality}:$symbols:$classes"
    }

    private fun described(image: Coded) =
        "${image.height}x${image.width}q${image.quality}:${crc(image.symbols.asSequence())}"

    private fun crc(values: Sequence<Int>): Long {
        val bytes = ByteWriter()
        for (value in values) bytes.putWord(value)
        val crc = CRC32()
        bytes.since(0).let { crc.update(it.array, it.from, it.size) }
        return crc.value
    }
}
