@file:Suppress("UNUSED_PARAMETER", "unused")

package android.os

class Bundle {
    fun getString(key: String): String? = throw NotImplementedError()

    fun putString(key: String, value: String?): Unit = throw NotImplementedError()
}
