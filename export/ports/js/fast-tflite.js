// The models of a bundle in react-native-fast-tflite 3, which an app loads itself: this module imports
// nothing of React Native.

import { BundleError } from "./errors.js";

const ARRAYS = { uint8: Uint8Array, float32: Float32Array, int32: Int32Array };

/**
 * What `Codec` takes as `encoder` and `decoder`, for models that `loadTensorflowModel` gave.
 *
 * That library runs the first signature of a file only: export with `signatures="separate"`, the
 * default, so that encoder and decoder are files of their own.
 *
 * @param {object} manifest what `parseManifest` gave
 * @param {{encoder?: object, decoder?: object}} models the loaded models
 * @returns {{encoder?: Function, decoder?: Function}} from values to values
 * @throws {BundleError} if a model's edges are not those of the manifest
 */
export function fastTfliteRuns(manifest, models) {
  const runs = {};
  for (const side of ["encoder", "decoder"]) {
    if (models[side]) runs[side] = runOf(side, manifest[side], models[side]);
  }
  return runs;
}

function runOf(side, part, model) {
  if (part.signature) {
    throw new BundleError(
      `${part.file} holds encoder and decoder, of which react-native-fast-tflite runs only the ` +
        'first: export with `signatures="separate"`.',
    );
  }
  for (const [end, edge, found] of [
    ["input", part.input, model.inputs],
    ["output", part.output, model.outputs],
  ]) {
    const named = found.map(({ dataType, shape }) => `${dataType} [${shape}]`).join(", ");
    if (named !== `${edge.dtype} [${edge.shape}]`) {
      throw new BundleError(
        `manifest.json: \`${side}.${end}\` does not match ${part.file}. Received: ` +
          `${edge.dtype} [${edge.shape}], in the file ${named || "none"}`,
      );
    }
  }
  return async (values) => {
    const { buffer, byteOffset, byteLength } = values;
    const own = byteLength === buffer.byteLength;
    const [output] = await model.run([
      own ? buffer : buffer.slice(byteOffset, byteOffset + byteLength),
    ]);
    return new ARRAYS[part.output.dtype](output);
  };
}
