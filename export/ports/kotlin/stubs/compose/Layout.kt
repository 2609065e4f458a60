@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.compose.foundation.layout

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Dp

class PaddingValues

interface ColumnScope

interface RowScope

object Arrangement {
    interface Horizontal

    interface Vertical

    interface HorizontalOrVertical : Horizontal, Vertical

    fun spacedBy(space: Dp): HorizontalOrVertical = throw NotImplementedError()

    val Start: Horizontal get() = throw NotImplementedError()
    val Top: Vertical get() = throw NotImplementedError()
}

@Composable
fun Column(
    modifier: Modifier = Modifier,
    verticalArrangement: Arrangement.Vertical = Arrangement.Top,
    content: @Composable ColumnScope.() -> Unit,
): Unit = throw NotImplementedError()

@Composable
fun Row(
    modifier: Modifier = Modifier,
    horizontalArrangement: Arrangement.Horizontal = Arrangement.Start,
    content: @Composable RowScope.() -> Unit,
): Unit = throw NotImplementedError()

fun Modifier.padding(all: Dp): Modifier = throw NotImplementedError()

fun Modifier.padding(paddingValues: PaddingValues): Modifier = throw NotImplementedError()

fun Modifier.fillMaxWidth(fraction: Float = 1f): Modifier = throw NotImplementedError()

fun Modifier.aspectRatio(ratio: Float): Modifier = throw NotImplementedError()
