package kerasae.android

import android.graphics.Bitmap
import kerasae.Image

/**
 * The pixels of a bitmap; what is transparent lies on white.
 *
 * @param channels 3, red, green and blue, or 1, grey (ITU-R 601)
 */
fun Bitmap.toImage(channels: Int = 3): Image {
    require(channels == 1 || channels == 3) { "`channels` must be 1 or 3. Received: channels=$channels" }
    val data = ByteArray(width * height * channels)
    val row = IntArray(width)
    var at = 0
    for (y in 0 until height) {
        getPixels(row, 0, width, 0, y, width, 1)
        for (pixel in row) {
            val alpha = pixel ushr 24
            fun over(shift: Int) = ((pixel ushr shift and 255) * alpha + 255 * (255 - alpha) + 127) / 255
            val red = over(16)
            val green = over(8)
            val blue = over(0)
            if (channels == 1) {
                data[at++] = ((19595 * red + 38470 * green + 7471 * blue + 32768) shr 16).toByte()
            } else {
                data[at++] = red.toByte()
                data[at++] = green.toByte()
                data[at++] = blue.toByte()
            }
        }
    }
    return Image(data, height, width)
}

/** The bitmap of an image of one or three channels. */
fun Image.toBitmap(): Bitmap {
    val channels = data.size / (height * width)
    val pixels = IntArray(height * width) { i ->
        fun level(c: Int) = data[i * channels + minOf(c, channels - 1)].toInt() and 255
        255 shl 24 or (level(0) shl 16) or (level(1) shl 8) or level(2)
    }
    return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
}
