package kerasae.app

import android.app.Application
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.net.Uri
import androidx.core.content.FileProvider
import androidx.lifecycle.AndroidViewModel
import androidx.lifecycle.viewModelScope
import java.io.File
import kerasae.KerasaeError
import kerasae.PhotoCodec
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** A compressed picture as it looks, and how many bytes it takes. */
data class Shown(val picture: Bitmap, val bytes: Int)

/** What the screen shows. */
data class KaeState(
    val choices: List<Choice> = emptyList(),
    val choice: Choice? = null,
    val quality: Int = PhotoCodec.DEFAULT_QUALITY,
    val working: Boolean = false,
    val original: Bitmap? = null,
    val kae: Shown? = null,
    /** The JPEG of as many bytes; none for a file that was received. */
    val jpeg: Shown? = null,
    val message: String? = null,
)

class KaeViewModel(application: Application) : AndroidViewModel(application) {
    private val codecs = Codecs(application)
    private val changing = MutableStateFlow(KaeState())
    private var file: ByteArray? = null
    private var work: Job? = null

    val state: StateFlow<KaeState> = changing.asStateFlow()

    init {
        perform { refresh() }
    }

    /** A picture was chosen, taken or shared. */
    fun open(picture: Uri) = perform {
        val bitmap = withContext(Dispatchers.IO) { readPicture(getApplication(), picture) }
        changing.update { it.copy(original = bitmap) }
        compress()
    }

    fun choose(choice: Choice) {
        val best = if (choice.id == Codecs.PHOTOGRAPHS) PhotoCodec.DEFAULT_QUALITY else choice.qualities
        changing.update { it.copy(choice = choice, quality = best) }
        perform { compress() }
    }

    fun setQuality(quality: Int) {
        changing.update { it.copy(quality = quality) }
        perform { compress() }
    }

    /** A `.kae` file was received. */
    fun receive(uri: Uri) = perform {
        val data = withContext(Dispatchers.IO) {
            getApplication<Application>().contentResolver.openInputStream(uri)?.use { readAtMost(it, MOST_BYTES) }
        } ?: return@perform
        val picture = codecs.decompress(data)
        file = data
        changing.update { it.copy(original = null, kae = Shown(picture, data.size), jpeg = null) }
    }

    fun addBundle(archive: Uri) = perform {
        val id = codecs.add(archive)
        refresh()
        changing.update { it.copy(message = "Bundle $id was added.") }
    }

    /** The compressed picture as a file that other apps may read. */
    suspend fun share(): Uri? {
        val data = file ?: return null
        return withContext(Dispatchers.IO) {
            val context = getApplication<Application>()
            val shared = File(context.cacheDir, "shared").apply { mkdirs() }
            val target = File(shared, "picture.kae").apply { writeBytes(data) }
            FileProvider.getUriForFile(context, "${context.packageName}.files", target)
        }
    }

    fun tell(message: String?) = changing.update { it.copy(message = message) }

    private suspend fun refresh() {
        val choices = codecs.choices()
        changing.update { it.copy(choices = choices, choice = it.choice ?: choices.first()) }
    }

    private suspend fun compress() {
        val (original, choice) = state.value.let { it.original to it.choice }
        if (original == null || choice == null) return
        val data = codecs.compress(choice, original, state.value.quality)
        val picture = codecs.decompress(data)
        val jpeg = withContext(Dispatchers.Default) { jpegOfSize(original, data.size) }
        val shown = withContext(Dispatchers.Default) { BitmapFactory.decodeByteArray(jpeg, 0, jpeg.size) }
        file = data
        changing.update { it.copy(kae = Shown(picture, data.size), jpeg = Shown(shown, jpeg.size)) }
    }

    /** Do work in place of what is going on, and tell what goes wrong. */
    private fun perform(block: suspend () -> Unit) {
        val before = work
        work = viewModelScope.launch {
            before?.cancel()
            before?.join()
            changing.update { it.copy(working = true, message = null) }
            try {
                block()
            } catch (error: CancellationException) {
                throw error
            } catch (error: KerasaeError) {
                tell(error.message)
            } catch (error: Exception) {
                tell("This did not work: ${error.message}")
            } finally {
                changing.update { it.copy(working = false) }
            }
        }
    }

    private companion object {
        const val MOST_BYTES = 64 shl 20
    }
}
