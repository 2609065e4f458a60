@file:Suppress("unused")

package androidx.compose.ui.graphics

import android.graphics.Bitmap

class Color

interface ImageBitmap

fun Bitmap.asImageBitmap(): ImageBitmap = throw NotImplementedError()
