package kerasae.desktop

import kerasae.BundleError
import kerasae.Codec
import kerasae.Limits
import kerasae.Model
import kerasae.ModelBundle
import kerasae.Part
import kerasae.Tensor

/**
 * A model of a bundle on a computer's processor, by the C++ adapter: `libkerasae_jni.so`, which is looked up
 * in `java.library.path`, and LiteRT's library beside it.
 *
 * @param content the bytes of the `.tflite` file
 * @param part what the manifest says of it
 * @throws BundleError if LiteRT refuses the model, or its edges have other sizes
 */
class LiteRtModel(content: ByteArray, private val part: Part) : Model, AutoCloseable {
    private var handle = open(
        content, part.signature, part.input.dtype.ordinal, part.input.size, part.output.dtype.ordinal, part.output.size,
    )

    @Synchronized
    override fun run(input: Tensor, output: Tensor) {
        check(handle != 0L) { "The model is closed." }
        require(input.fits(part.input) && output.fits(part.output)) { "The tensors must be those of the model." }
        run(handle, arrayOf(input), arrayOf(output))
    }

    @Synchronized
    override fun close() {
        if (handle != 0L) close(handle)
        handle = 0
    }

    companion object {
        init {
            System.loadLibrary("kerasae_jni")
        }

        /** The codec of a bundle, with its models. */
        fun codec(bundle: ModelBundle, limits: Limits = Limits()): Codec {
            fun model(part: Part) = LiteRtModel(bundle.file(part.file), part)
            return Codec(bundle.manifest, model(bundle.manifest.encoder), model(bundle.manifest.decoder), limits)
        }

        private fun arrayOf(tensor: Tensor): Any = when (tensor) {
            is Tensor.Levels -> tensor.data
            is Tensor.Floats -> tensor.data
            is Tensor.Indices -> tensor.data
        }

        @JvmStatic
        private external fun open(
            content: ByteArray, signature: String?, inputType: Int, inputCount: Int, outputType: Int, outputCount: Int,
        ): Long

        @JvmStatic
        private external fun run(handle: Long, input: Any, output: Any)

        @JvmStatic
        private external fun close(handle: Long)
    }
}
