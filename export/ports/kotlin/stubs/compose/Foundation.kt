@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.compose.foundation

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.ImageBitmap
import androidx.compose.ui.layout.ContentScale

class ScrollState

@Composable
fun rememberScrollState(): ScrollState = throw NotImplementedError()

fun Modifier.verticalScroll(state: ScrollState): Modifier = throw NotImplementedError()

@Composable
fun isSystemInDarkTheme(): Boolean = throw NotImplementedError()

@Composable
fun Image(
    bitmap: ImageBitmap,
    contentDescription: String?,
    modifier: Modifier = Modifier,
    contentScale: ContentScale = ContentScale.Fit,
): Unit = throw NotImplementedError()
