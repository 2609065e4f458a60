@file:Suppress("unused")

package android.provider

import android.net.Uri

object MediaStore {
    object MediaColumns {
        const val DISPLAY_NAME = "_display_name"
        const val MIME_TYPE = "mime_type"
    }

    object Images {
        object Media {
            val EXTERNAL_CONTENT_URI: Uri get() = throw NotImplementedError()
        }
    }
}
