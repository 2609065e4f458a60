package kerasae.app

import android.content.ContentValues
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.activity.viewModels
import androidx.lifecycle.lifecycleScope
import kotlinx.coroutines.launch

class MainActivity : ComponentActivity() {
    private val model: KaeViewModel by viewModels()
    private var taken: Uri? = null

    private val gallery = registerForActivityResult(ActivityResultContracts.PickVisualMedia()) { picture ->
        if (picture != null) model.open(picture)
    }

    private val camera = registerForActivityResult(ActivityResultContracts.TakePicture()) { done ->
        taken?.let { if (done) model.open(it) else contentResolver.delete(it, null, null) }
    }

    private val file = registerForActivityResult(ActivityResultContracts.OpenDocument()) { received ->
        if (received != null) model.receive(received)
    }

    private val archive = registerForActivityResult(ActivityResultContracts.OpenDocument()) { chosen ->
        if (chosen != null) model.addBundle(chosen)
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        taken = savedInstanceState?.getString(TAKEN)?.let(Uri::parse)
        setContent {
            KaeScreen(
                model = model,
                onGallery = { gallery.launch(PickVisualMediaRequest(ActivityResultContracts.PickVisualMedia.ImageOnly)) },
                onCamera = ::takePicture,
                onFile = { file.launch(arrayOf("*/*")) },
                onBundle = { archive.launch(arrayOf("application/zip")) },
                onShare = ::share,
            )
        }
        if (savedInstanceState == null) receive(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        receive(intent)
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putString(TAKEN, taken?.toString())
    }

    private fun receive(intent: Intent) {
        when (intent.action) {
            Intent.ACTION_VIEW -> intent.data?.let(model::receive)
            Intent.ACTION_SEND -> intent.clipData?.getItemAt(0)?.uri?.let(model::open)
        }
    }

    private fun takePicture() {
        val details = ContentValues().apply {
            put(MediaStore.MediaColumns.DISPLAY_NAME, "kerasae-${System.currentTimeMillis()}.jpg")
            put(MediaStore.MediaColumns.MIME_TYPE, "image/jpeg")
        }
        taken = contentResolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, details)
        taken?.let(camera::launch) ?: model.tell("There is no place for a picture of the camera.")
    }

    private fun share() {
        lifecycleScope.launch {
            val uri = model.share() ?: return@launch
            val send = Intent(Intent.ACTION_SEND)
                .setType("application/x-kerasae")
                .putExtra(Intent.EXTRA_STREAM, uri)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
            startActivity(Intent.createChooser(send, "Share the picture"))
        }
    }

    private companion object {
        const val TAKEN = "taken"
    }
}
