@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.activity.result

import androidx.activity.result.contract.ActivityResultContracts

abstract class ActivityResultLauncher<I> {
    fun launch(input: I): Unit = throw NotImplementedError()
}

class PickVisualMediaRequest

fun PickVisualMediaRequest(
    mediaType: ActivityResultContracts.PickVisualMedia.VisualMediaType,
): PickVisualMediaRequest = throw NotImplementedError()
