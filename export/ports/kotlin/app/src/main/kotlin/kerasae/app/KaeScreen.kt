package kerasae.app

import androidx.compose.foundation.Image
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.aspectRatio
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.Card
import androidx.compose.material3.FilterChip
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Slider
import androidx.compose.material3.Text
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.unit.dp
import kotlin.math.roundToInt

@Composable
fun KaeScreen(
    model: KaeViewModel,
    onGallery: () -> Unit,
    onCamera: () -> Unit,
    onFile: () -> Unit,
    onBundle: () -> Unit,
    onShare: () -> Unit,
) {
    val state by model.state.collectAsState()
    MaterialTheme(colorScheme = if (isSystemInDarkTheme()) darkColorScheme() else lightColorScheme()) {
        Scaffold { inner ->
            Column(
                modifier = Modifier.padding(inner).padding(16.dp).verticalScroll(rememberScrollState()),
                verticalArrangement = Arrangement.spacedBy(12.dp),
            ) {
                Sources(onGallery, onCamera, onFile)
                Codecs(state, model::choose, onBundle)
                if (state.original != null) Quality(state, model::setQuality)
                if (state.working) LinearProgressIndicator(modifier = Modifier.fillMaxWidth())
                state.message?.let { Text(it, color = MaterialTheme.colorScheme.error) }
                state.kae?.let { Picture(if (state.jpeg == null) "Received" else "Kerasae", it) }
                state.jpeg?.let { Picture("JPEG of that size", it) }
                if (state.kae != null) {
                    Button(onClick = onShare, modifier = Modifier.fillMaxWidth()) { Text("Share as .kae") }
                } else if (!state.working) {
                    Text("Take a picture or choose one: it is compressed here, on the device, and compared with JPEG.")
                }
            }
        }
    }
}

@Composable
private fun Sources(onGallery: () -> Unit, onCamera: () -> Unit, onFile: () -> Unit) {
    Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
        Button(onClick = onCamera) { Text("Camera") }
        Button(onClick = onGallery) { Text("Gallery") }
        OutlinedButton(onClick = onFile) { Text("Open .kae") }
    }
}

@Composable
private fun Codecs(state: KaeState, onChoose: (Choice) -> Unit, onBundle: () -> Unit) {
    Column {
        for (choice in state.choices) {
            FilterChip(
                selected = choice == state.choice,
                onClick = { onChoose(choice) },
                label = { Text(choice.name) },
            )
        }
        OutlinedButton(onClick = onBundle) { Text("Add a bundle") }
    }
}

@Composable
private fun Quality(state: KaeState, onQuality: (Int) -> Unit) {
    val most = state.choice?.qualities ?: return
    if (most < 2) return
    var moved by remember(state.quality, state.choice) { mutableStateOf(state.quality.toFloat()) }
    Column {
        Text("Quality ${moved.roundToInt()} of $most")
        Slider(
            value = moved,
            onValueChange = { moved = it },
            valueRange = 1f..most.toFloat(),
            onValueChangeFinished = { onQuality(moved.roundToInt()) },
        )
    }
}

@Composable
private fun Picture(title: String, result: Shown) {
    Card(modifier = Modifier.fillMaxWidth()) {
        Text("$title · ${"%,d".format(result.bytes)} bytes", modifier = Modifier.padding(12.dp))
        Image(
            bitmap = result.picture.asImageBitmap(),
            contentDescription = title,
            modifier = Modifier.fillMaxWidth().aspectRatio(result.picture.width.toFloat() / result.picture.height),
            contentScale = ContentScale.Fit,
        )
    }
}
