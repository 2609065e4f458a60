package kerasae.android

import android.content.Context
import com.google.ai.edge.litert.Accelerator
import java.io.File
import java.io.InputStream
import kerasae.BundleError
import kerasae.Codec
import kerasae.Limits
import kerasae.Manifest
import kerasae.ModelBundle
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * The codec of a bundle, with the models that it runs; close it when it is no longer needed.
 *
 * A call of [open] takes as long as hashing the files and compiling the models does, and does it on another
 * thread than the caller's.
 */
class BundleCodec private constructor(val codec: Codec, private val models: List<LiteRtModel>) : AutoCloseable {
    override fun close() = models.forEach { it.close() }

    companion object {
        /** The codec of a bundle in a folder, all of which is checked. */
        suspend fun open(
            folder: File, limits: Limits = Limits(), accelerator: Accelerator = Accelerator.CPU,
        ): BundleCodec = withContext(Dispatchers.Default) {
            val manifest = ModelBundle.load(folder).manifest
            val parts = listOf(manifest.encoder, manifest.decoder)
            val models = parts.map { LiteRtModel(File(folder, it.file), it, accelerator) }
            BundleCodec(Codec(manifest, models[0], models[1], limits), models)
        }

        /**
         * The codec of a bundle among the app's assets, which is copied to the app's own files once, since
         * LiteRT takes models by their path.
         *
         * @param asset the folder in the assets
         */
        suspend fun open(context: Context, asset: String, limits: Limits = Limits()): BundleCodec {
            val folder = withContext(Dispatchers.IO) {
                val manifest = context.assets.open("$asset/manifest.json").use { it.readBytes() }
                val hash = Manifest.parse(manifest).bundleHash
                install(File(context.noBackupFilesDir, "bundles"), hash) { context.assets.open("$asset/$it") }
            }
            return open(folder, limits)
        }

        /**
         * Check a bundle, and keep it in a folder that is named by its id; nothing is written if it is bad.
         *
         * @param store where bundles are kept
         * @param open gives the content of a file by its name in the bundle
         * @return the folder of the bundle
         */
        fun install(store: File, expected: String? = null, open: (String) -> InputStream): File {
            val folder = expected?.let { File(store, it.take(4)) }
            if (folder != null && holds(folder, expected)) return folder
            val bundle = ModelBundle.open(open)
            val made = File(store, bundle.manifest.bundleHash.take(4))
            val unfinished = File(store, "${made.name}.new")
            unfinished.deleteRecursively()
            for (name in bundle.manifest.files.keys + "manifest.json") {
                val file = File(unfinished, name)
                file.parentFile?.mkdirs()
                file.writeBytes(bundle.file(name))
            }
            made.deleteRecursively()
            check(unfinished.renameTo(made)) { "${made.name} cannot be written." }
            return made
        }

        private fun holds(folder: File, hash: String): Boolean = try {
            ModelBundle.load(folder).manifest.bundleHash == hash
        } catch (error: BundleError) {
            false
        }
    }
}
