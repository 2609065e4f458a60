@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.compose.material3

import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.RowScope
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color

class ColorScheme {
    val error: Color get() = throw NotImplementedError()
}

object MaterialTheme {
    val colorScheme: ColorScheme @Composable get() = throw NotImplementedError()
}

fun lightColorScheme(): ColorScheme = throw NotImplementedError()

fun darkColorScheme(): ColorScheme = throw NotImplementedError()

@Composable
fun MaterialTheme(
    colorScheme: ColorScheme = MaterialTheme.colorScheme, content: @Composable () -> Unit,
): Unit = throw NotImplementedError()

@Composable
fun Scaffold(modifier: Modifier = Modifier, content: @Composable (PaddingValues) -> Unit): Unit =
    throw NotImplementedError()

@Composable
fun Text(text: String, modifier: Modifier = Modifier, color: Color = Color()): Unit = throw NotImplementedError()

@Composable
fun Button(onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit): Unit =
    throw NotImplementedError()

@Composable
fun OutlinedButton(
    onClick: () -> Unit, modifier: Modifier = Modifier, content: @Composable RowScope.() -> Unit,
): Unit = throw NotImplementedError()

@Composable
fun FilterChip(
    selected: Boolean, onClick: () -> Unit, label: @Composable () -> Unit, modifier: Modifier = Modifier,
): Unit = throw NotImplementedError()

@Composable
fun LinearProgressIndicator(modifier: Modifier = Modifier): Unit = throw NotImplementedError()

@Composable
fun Slider(
    value: Float,
    onValueChange: (Float) -> Unit,
    modifier: Modifier = Modifier,
    valueRange: ClosedFloatingPointRange<Float> = 0f..1f,
    onValueChangeFinished: (() -> Unit)? = null,
): Unit = throw NotImplementedError()

@Composable
fun Card(modifier: Modifier = Modifier, content: @Composable ColumnScope.() -> Unit): Unit =
    throw NotImplementedError()
