package kerasae

import kotlin.math.floor
import kotlin.math.pow

// Pixels, values, levels and symbols (FORMAT.md, 2), in double precision.

/** What a model takes or gives: all values of its input or output, in the order of its shape. */
sealed class Tensor {
    /** Of a `uint8` edge; bytes are those of unsigned integers. */
    class Levels(val data: ByteArray) : Tensor()

    /** Of a `float32` edge. */
    class Floats(val data: FloatArray) : Tensor()

    /** Of an `int32` edge. */
    class Indices(val data: IntArray) : Tensor()

    /** Whether it is of the type and size of an edge. */
    fun fits(edge: Edge): Boolean = when (this) {
        is Levels -> edge.dtype == DType.UINT8 && data.size == edge.size
        is Floats -> edge.dtype == DType.FLOAT32 && data.size == edge.size
        is Indices -> edge.dtype == DType.INT32 && data.size == edge.size
    }

    companion object {
        /** A tensor of zeros for an edge. */
        fun of(edge: Edge): Tensor = when (edge.dtype) {
            DType.UINT8 -> Levels(ByteArray(edge.size))
            DType.FLOAT32 -> Floats(FloatArray(edge.size))
            DType.INT32 -> Indices(IntArray(edge.size))
        }
    }
}

/** The steps of a quality, one for each channel of the code. */
internal fun stepsOf(quality: Quality): DoubleArray =
    DoubleArray(quality.mantissas.size) { quality.mantissas[it] * 2.0.pow(quality.exponent) }

/** The symbol of a code value. */
internal fun symbolOf(value: Double, step: Double): Int {
    if (!value.isFinite()) {
        throw ModelException("The image made the encoder give a code that is not finite.")
    }
    return floor(value / step + 0.5).coerceIn(Int.MIN_VALUE.toDouble(), Int.MAX_VALUE.toDouble()).toInt()
}

/** The tensor of an edge, and the real values that it stands for. */
internal class Values(private val edge: Edge, val tensor: Tensor = Tensor.of(edge)) {
    // A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
    private val sigmoid = edge.dtype == DType.UINT8 && edge.scale == 1.0 / 256 && edge.zeroPoint == 0

    /** Give an input a real value, or an index. */
    operator fun set(i: Int, value: Double) = when (tensor) {
        is Tensor.Levels -> tensor.data[i] =
            (floor(value / edge.scale + 0.5) + edge.zeroPoint).coerceIn(0.0, 255.0).toInt().toByte()
        is Tensor.Floats -> tensor.data[i] = value.toFloat()
        is Tensor.Indices -> tensor.data[i] = value.toInt()
    }

    /** The real value, or the index, that an output gives. */
    operator fun get(i: Int): Double = when (tensor) {
        is Tensor.Levels -> ((tensor.data[i].toInt() and 255) - edge.zeroPoint) * edge.scale
        is Tensor.Floats -> (tensor.data[i].toDouble() - edge.zeroPoint) * edge.scale
        is Tensor.Indices -> tensor.data[i].toDouble()
    }

    /** The pixel that an output gives. */
    fun pixel(i: Int): Byte {
        if (sigmoid) return (tensor as Tensor.Levels).data[i]
        val pixel = floor(255 * get(i) + 0.5)
        return if (pixel.isNaN()) 0 else pixel.coerceIn(0.0, 255.0).toInt().toByte()
    }
}
