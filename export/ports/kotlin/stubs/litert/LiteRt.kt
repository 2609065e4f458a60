// What kerasae uses of LiteRT's API for Kotlin (com.google.ai.edge.litert:litert, 2.x), for the compiler only.
@file:Suppress("UNUSED_PARAMETER", "unused")

package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

abstract class JniHandle : AutoCloseable {
    override fun close(): Unit = throw NotImplementedError()
}

class TensorBuffer internal constructor() : JniHandle() {
    fun writeInt(data: IntArray): Unit = throw NotImplementedError()

    fun writeFloat(data: FloatArray): Unit = throw NotImplementedError()

    fun writeInt8(data: ByteArray): Unit = throw NotImplementedError()

    fun readInt(): IntArray = throw NotImplementedError()

    fun readFloat(): FloatArray = throw NotImplementedError()

    fun readInt8(): ByteArray = throw NotImplementedError()
}

class CompiledModel private constructor() : JniHandle() {
    class Options(vararg accelerators: Accelerator) {
        companion object {
            val CPU = Options(Accelerator.CPU)
        }
    }

    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = throw NotImplementedError()

    fun createInputBuffers(signature: String): List<TensorBuffer> = throw NotImplementedError()

    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = throw NotImplementedError()

    fun createOutputBuffers(signature: String): List<TensorBuffer> = throw NotImplementedError()

    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signatureIndex: Int = 0): Unit =
        throw NotImplementedError()

    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signature: String): Unit =
        throw NotImplementedError()

    companion object {
        fun create(filePath: String, options: Options = Options.CPU): CompiledModel = throw NotImplementedError()

        fun create(assetManager: AssetManager, assetName: String, options: Options = Options.CPU): CompiledModel =
            throw NotImplementedError()
    }
}
