package kerasae.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.ImageDecoder
import android.net.Uri
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream

/** A picture of the gallery or the camera, upright, in memory that the processor reads, at most so large. */
internal fun readPicture(context: Context, uri: Uri, longest: Int = 2048): Bitmap {
    val source = ImageDecoder.createSource(context.contentResolver, uri)
    return ImageDecoder.decodeBitmap(source) { decoder, info, _ ->
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
        val side = maxOf(info.size.width, info.size.height)
        if (side > longest) {
            val scale = longest.toDouble() / side
            decoder.setTargetSize(
                (info.size.width * scale).toInt().coerceAtLeast(1),
                (info.size.height * scale).toInt().coerceAtLeast(1),
            )
        }
    }
}

internal fun jpegOf(bitmap: Bitmap, quality: Int): ByteArray {
    val out = ByteArrayOutputStream()
    check(bitmap.compress(Bitmap.CompressFormat.JPEG, quality, out)) { "The picture cannot be written as JPEG." }
    return out.toByteArray()
}

/** The best JPEG of at most so many bytes; that of the lowest quality where none is so small. */
internal fun jpegOfSize(bitmap: Bitmap, bytes: Int): ByteArray {
    var best = jpegOf(bitmap, 0)
    var low = 1
    var high = 100
    while (low <= high) {
        val quality = (low + high) / 2
        val found = jpegOf(bitmap, quality)
        if (found.size <= bytes) {
            best = found
            low = quality + 1
        } else {
            high = quality - 1
        }
    }
    return best
}

/** All of a stream that comes from elsewhere, if it is not too much. */
internal fun readAtMost(stream: InputStream, most: Int): ByteArray {
    val content = ByteArrayOutputStream()
    val piece = ByteArray(1 shl 16)
    while (true) {
        val count = stream.read(piece)
        if (count < 0) return content.toByteArray()
        if (content.size() + count > most) throw IOException("The file has more than $most bytes.")
        content.write(piece, 0, count)
    }
}
