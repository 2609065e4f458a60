package kerasae

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.InputStream
import java.nio.file.Files
import java.nio.file.LinkOption.NOFOLLOW_LINKS

/** A bundle, all of whose files are those that its manifest lists. */
class ModelBundle private constructor(val manifest: Manifest, private val files: Map<String, ByteArray>) {
    /** The content of a file, such as that of `manifest.decoder.file`, or of `manifest.json` where it was read. */
    fun file(name: String): ByteArray =
        files[name]?.copyOf() ?: throw BundleError("$name is not a file of the bundle.")

    companion object {
        private const val MANIFEST = "manifest.json"

        /**
         * Check files against a manifest, wherever they lie: Android's assets, an archive.
         *
         * @param open gives the content of a file by its name in the bundle; no more of it is read than
         *     the manifest says. All of the files that the manifest lists are asked for.
         * @throws BundleError if the bundle is incomplete, damaged or inconsistent
         */
        fun open(open: (String) -> InputStream): ModelBundle {
            fun read(name: String, most: Long) = open(name).use { readAtMost(it, name, most) }
            val content = read(MANIFEST, MAX_MANIFEST_BYTES.toLong())
            val manifest = parseManifest(content)
            val bundle = of(manifest, manifest.files.mapValues { (name, listed) -> read(name, listed.bytes) })
            return ModelBundle(manifest, bundle.files + (MANIFEST to content))
        }

        /** Read and check a bundle's folder; links are not followed. */
        fun load(folder: File): ModelBundle {
            if (!folder.isDirectory) throw BundleError("A bundle is a folder. Received: $folder")
            return open { name ->
                val path = folder.toPath().resolve(name)
                val linked = '/' in name && Files.isSymbolicLink(path.parent)
                if (linked || !Files.isRegularFile(path, NOFOLLOW_LINKS)) {
                    throw BundleError("$name is missing from the bundle.")
                }
                Files.newInputStream(path, NOFOLLOW_LINKS)
            }
        }

        /**
         * Check files that are at hand.
         *
         * @param files contents by name; those of encoder and decoder at least
         */
        fun of(manifest: Manifest, files: Map<String, ByteArray>): ModelBundle {
            for (part in listOf(manifest.encoder, manifest.decoder)) {
                if (part.file !in files) throw BundleError("${part.file} is missing from the bundle.")
            }
            for ((name, content) in files) {
                val listed = manifest.files[name]
                if (listed == null || listed.bytes != content.size.toLong() || listed.sha256 != hex(sha256(content))) {
                    throw BundleError("$name is not the file that manifest.json lists: its hash differs.")
                }
            }
            if (!bundleHash(manifest.codec, files.getValue(manifest.decoder.file)).contentEquals(manifest.hash)) {
                throw BundleError("manifest.json: `bundle_hash` does not match the decoder and the codec part.")
            }
            return ModelBundle(manifest, files)
        }

        private fun readAtMost(stream: InputStream, name: String, most: Long): ByteArray {
            val content = ByteArrayOutputStream()
            val piece = ByteArray(1 shl 16)
            while (true) {
                val count = stream.read(piece)
                if (count < 0) return content.toByteArray()
                if (content.size() + count > most) {
                    throw BundleError("$name is larger than the $most bytes that it may have.")
                }
                content.write(piece, 0, count)
            }
        }
    }
}
