// Pixels, values, levels and symbols (FORMAT.md, section 2).

function clip(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** A real value to what a model's input takes. */
export function quantise(value, edge) {
  if (edge.dtype !== "uint8") return value;
  return clip(Math.floor(value / edge.scale + 0.5) + edge.zero_point, 0, 255);
}

/** What a model's output gives to a real value. */
export function dequantise(value, edge) {
  return (value - edge.zero_point) * edge.scale;
}

/** An array for an edge of a model. */
export function arrayFor(edge) {
  const size = edge.shape.reduce((a, b) => a * b, 1);
  const types = { uint8: Uint8Array, float32: Float32Array, int32: Int32Array };
  return new types[edge.dtype](size);
}

/** The step of each channel of the code. */
export function stepsOf({ step }) {
  return Float64Array.from(step.mantissas, (mantissa) => mantissa * 2 ** step.exponent);
}

/** The symbol of a code value. */
export function symbolOf(value, step) {
  if (!Number.isFinite(value)) {
    throw new RangeError("The image made the encoder give a code that is not finite.");
  }
  return clip(Math.floor(value / step + 0.5), -(2 ** 31), 2 ** 31 - 1);
}

/** The pixel of a value of the decoder's output. */
export function pixelOf(output, edge) {
  // A sigmoid's output has the fixed scale 1/256, with which no level would mean white.
  if (edge.dtype === "uint8" && edge.scale === 1 / 256 && edge.zero_point === 0) return output;
  const pixel = Math.floor(255 * dequantise(output, edge) + 0.5);
  return Number.isNaN(pixel) ? 0 : clip(pixel, 0, 255);
}
