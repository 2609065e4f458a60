@file:Suppress("UNUSED_PARAMETER", "unused")

package android.content.res

import java.io.InputStream

class AssetManager {
    fun open(fileName: String): InputStream = throw NotImplementedError()

    fun list(path: String): Array<String>? = throw NotImplementedError()
}
