package kerasae.android

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import java.io.File
import kerasae.Model
import kerasae.Part
import kerasae.Tensor

/**
 * A model of a bundle, run by LiteRT. Its buffers are used again for each tile.
 *
 * @param file the `.tflite` file
 * @param part what the manifest says of it
 * @param accelerator `CPU` gives what other devices give; `GPU` computes float models with less precision
 */
class LiteRtModel(file: File, private val part: Part, accelerator: Accelerator = Accelerator.CPU) :
    Model, AutoCloseable {
    private val model = CompiledModel.create(file.path, CompiledModel.Options(accelerator))
    private val inputs: List<TensorBuffer>
    private val outputs: List<TensorBuffer>

    init {
        val signature = part.signature
        inputs = if (signature == null) model.createInputBuffers() else model.createInputBuffers(signature)
        outputs = if (signature == null) model.createOutputBuffers() else model.createOutputBuffers(signature)
    }

    @Synchronized
    override fun run(input: Tensor, output: Tensor) {
        val from = inputs.single()
        when (input) {
            is Tensor.Levels -> from.writeInt8(input.data)
            is Tensor.Floats -> from.writeFloat(input.data)
            is Tensor.Indices -> from.writeInt(input.data)
        }
        val signature = part.signature
        if (signature == null) model.run(inputs, outputs) else model.run(inputs, outputs, signature)
        val to = outputs.single()
        when (output) {
            is Tensor.Levels -> to.readInt8().copyInto(output.data)
            is Tensor.Floats -> to.readFloat().copyInto(output.data)
            is Tensor.Indices -> to.readInt().copyInto(output.data)
        }
    }

    @Synchronized
    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }
}
