// The models of a bundle in ONNX Runtime, whose module is passed: this one imports nothing of it.

import { BundleError } from "./errors.js";

/**
 * Load the ONNX models of a bundle that was exported with `also="onnx"`, for any of ONNX Runtime's
 * modules: `onnxruntime-web`, `onnxruntime-node`, `onnxruntime-react-native`.
 *
 * @param {object} ort its module
 * @param {object} manifest what `parseManifest` gave
 * @param {Object<string, Uint8Array>} files the contents, after `verifyFiles`
 * @param {object} [options] of `InferenceSession.create`, such as `executionProviders`
 * @returns {Promise<{manifest: object, encoder: Function, decoder: Function}>} what `Codec` takes: the
 *   manifest with the edges of these models, and the functions that run them
 */
export async function openOnnx(ort, manifest, files, options = {}) {
  if (!manifest.onnx) {
    throw new BundleError('The bundle has no ONNX files: export it with `also="onnx"`.');
  }
  const parts = {};
  const runs = {};
  for (const side of ["encoder", "decoder"]) {
    const file = manifest.onnx[side];
    const part = { file, input: floats(manifest[side].input), output: floats(manifest[side].output) };
    if (!Object.hasOwn(files, file)) throw new BundleError(`${file} is missing from the bundle.`);
    parts[side] = part;
    runs[side] = runOf(ort, await load(ort, file, files[file], options), part);
  }
  return { manifest: { ...manifest, ...parts }, ...runs };
}

/** The same edge in real values; indices stay integers. */
function floats({ shape, dtype }) {
  return { shape, dtype: dtype === "int32" ? "int32" : "float32", scale: 1, zero_point: 0 };
}

async function load(ort, file, content, options) {
  try {
    return await ort.InferenceSession.create(content, options);
  } catch (error) {
    const message = String(error?.message ?? error).replace(/\.$/, "");
    throw new BundleError(`${file} cannot be loaded by ONNX Runtime (${message.slice(0, 200)}).`);
  }
}

function runOf(ort, session, { file, input, output }) {
  const { inputNames, outputNames } = session;
  if (inputNames.length !== 1 || outputNames.length !== 1) {
    throw new BundleError(
      `${file} must have one input and one output. ` +
        `Received: ${inputNames.length} and ${outputNames.length}`,
    );
  }
  const count = output.shape.reduce((a, b) => a * b, 1);
  return async (values) => {
    const tensor = new ort.Tensor(input.dtype, values, input.shape);
    const results = await session.run({ [inputNames[0]]: tensor });
    const { type, data } = results[outputNames[0]];
    if (type !== output.dtype || data.length !== count) {
      throw new BundleError(
        `${file} must give ${count} values of ${output.dtype}. Received: ${data.length} of ${type}`,
      );
    }
    return data;
  };
}
