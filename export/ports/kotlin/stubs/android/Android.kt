// What the Android module and the app use of Android's API, for the compiler only.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.content

import android.content.res.AssetManager
import android.net.Uri
import java.io.File
import java.io.InputStream

private fun stub(): Nothing = throw NotImplementedError()

class ContentValues {
    fun put(key: String, value: String): Unit = stub()
}

abstract class ContentResolver {
    fun openInputStream(uri: Uri): InputStream? = stub()

    fun insert(url: Uri, values: ContentValues?): Uri? = stub()

    fun delete(url: Uri, where: String?, arguments: Array<String>?): Int = stub()
}

abstract class Context {
    val assets: AssetManager get() = stub()
    val contentResolver: ContentResolver get() = stub()
    val noBackupFilesDir: File get() = stub()
    val cacheDir: File get() = stub()
    val packageName: String get() = stub()

    fun startActivity(intent: Intent): Unit = stub()
}

class ClipData {
    class Item {
        val uri: Uri? get() = stub()
    }

    fun getItemAt(index: Int): Item = stub()
}

class Intent(action: String) {
    val action: String? get() = stub()
    val data: Uri? get() = stub()
    val clipData: ClipData? get() = stub()

    fun setType(type: String): Intent = stub()

    fun putExtra(name: String, value: Uri): Intent = stub()

    fun addFlags(flags: Int): Intent = stub()

    companion object {
        const val ACTION_VIEW = "android.intent.action.VIEW"
        const val ACTION_SEND = "android.intent.action.SEND"
        const val EXTRA_STREAM = "android.intent.extra.STREAM"
        const val FLAG_GRANT_READ_URI_PERMISSION = 1

        fun createChooser(target: Intent, title: CharSequence): Intent = stub()
    }
}
