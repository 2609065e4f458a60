package kerasae.app

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import java.io.ByteArrayInputStream
import java.io.File
import java.util.zip.ZipInputStream
import kerasae.BitstreamBundleError
import kerasae.BundleError
import kerasae.FileId
import kerasae.PhotoCodec
import kerasae.android.BundleCodec
import kerasae.android.toBitmap
import kerasae.android.toImage
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/** A way to compress: that of photographs, or a bundle's by its id. */
data class Choice(val id: String, val name: String, val qualities: Int)

/** The codecs of the app: photographs, the bundle in its assets, and those that were added. */
internal class Codecs(private val context: Context) {
    private val store = File(context.noBackupFilesDir, "bundles")
    private val lock = Mutex()
    private val opened = HashMap<String, BundleCodec>()
    private var photographs: PhotoCodec? = null

    suspend fun choices(): List<Choice> = lock.withLock {
        if (hasAsset() && opened.isEmpty()) keep(BundleCodec.open(context, ASSET))
        val ids = withContext(Dispatchers.IO) { store.list().orEmpty().filter { !it.endsWith(".new") }.sorted() }
        listOf(Choice(PHOTOGRAPHS, "Photographs", 100)) + ids.map { Choice(it, "Bundle $it", bundle(it).codec.qualities) }
    }

    suspend fun compress(choice: Choice, picture: Bitmap, quality: Int): ByteArray = lock.withLock {
        if (choice.id == PHOTOGRAPHS) return photographs().compress(picture.toImage(), quality)
        val codec = bundle(choice.id).codec
        return codec.compress(picture.toImage(codec.manifest.codec.channels), quality)
    }

    /** The picture of a file, by the codec that it names. */
    suspend fun decompress(data: ByteArray): Bitmap = lock.withLock {
        val id = FileId.of(data)
        if (id.version != 1) return photographs().decompress(data).toBitmap()
        if (!File(store, id.id).isDirectory) {
            throw BitstreamBundleError("The file was made with bundle ${id.id}; add that bundle to see it.")
        }
        return bundle(id.id).codec.decompress(data).toBitmap()
    }

    /** Add a bundle, a ZIP archive of its folder; it is checked before it is kept. */
    suspend fun add(archive: Uri): String = lock.withLock {
        withContext(Dispatchers.IO) {
            val files = readArchive(archive)
            val folder = BundleCodec.install(store) { name ->
                ByteArrayInputStream(files[name] ?: throw BundleError("$name is missing from the bundle."))
            }
            opened.remove(folder.name)?.close()
            folder.name
        }
    }

    private fun readArchive(archive: Uri): Map<String, ByteArray> {
        val files = HashMap<String, ByteArray>()
        var total = 0
        val stream = context.contentResolver.openInputStream(archive) ?: throw BundleError("The file cannot be opened.")
        ZipInputStream(stream).use { zip ->
            while (true) {
                val entry = zip.nextEntry ?: break
                if (entry.isDirectory) continue
                val content = readAtMost(zip, MOST_BYTES - total)
                total += content.size
                if (files.size > 100) throw BundleError("The archive has more files than a bundle.")
                files[entry.name] = content
            }
        }
        // The folder itself may be in the archive.
        val top = files.keys.firstOrNull { it.endsWith("manifest.json") }?.removeSuffix("manifest.json").orEmpty()
        return files.mapKeys { it.key.removePrefix(top) }
    }

    private fun hasAsset() = context.assets.list(ASSET).orEmpty().isNotEmpty()

    private suspend fun photographs(): PhotoCodec =
        photographs ?: withContext(Dispatchers.IO) { PhotoCodec.shipped() }.also { photographs = it }

    private suspend fun bundle(id: String): BundleCodec = opened[id] ?: keep(BundleCodec.open(File(store, id)))

    private fun keep(bundle: BundleCodec): BundleCodec =
        bundle.also { opened[it.codec.manifest.bundleHash.take(4)] = it }

    companion object {
        const val PHOTOGRAPHS = "photographs"
        private const val ASSET = "bundle"
        private const val MOST_BYTES = 256 shl 20
    }
}
