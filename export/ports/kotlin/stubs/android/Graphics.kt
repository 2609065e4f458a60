@file:Suppress("UNUSED_PARAMETER", "unused")

package android.graphics

import android.content.ContentResolver
import android.net.Uri
import java.io.OutputStream

private fun stub(): Nothing = throw NotImplementedError()

class Bitmap private constructor() {
    enum class Config { ARGB_8888 }

    enum class CompressFormat { JPEG, PNG }

    val width: Int get() = stub()
    val height: Int get() = stub()

    fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int): Unit = stub()

    fun compress(format: CompressFormat, quality: Int, stream: OutputStream): Boolean = stub()

    companion object {
        fun createBitmap(colors: IntArray, width: Int, height: Int, config: Config): Bitmap = stub()
    }
}

object BitmapFactory {
    fun decodeByteArray(data: ByteArray, offset: Int, length: Int): Bitmap = stub()
}

class Size {
    val width: Int get() = stub()
    val height: Int get() = stub()
}

class ImageDecoder {
    abstract class Source

    class ImageInfo {
        val size: Size get() = stub()
    }

    var allocator: Int
        get() = stub()
        set(value) = stub()

    fun setTargetSize(width: Int, height: Int): Unit = stub()

    fun interface OnHeaderDecodedListener {
        fun onHeaderDecoded(decoder: ImageDecoder, info: ImageInfo, source: Source)
    }

    companion object {
        const val ALLOCATOR_SOFTWARE = 1

        fun createSource(resolver: ContentResolver, uri: Uri): Source = stub()

        fun decodeBitmap(source: Source, listener: OnHeaderDecodedListener): Bitmap = stub()
    }
}
