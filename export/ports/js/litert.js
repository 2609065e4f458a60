// The models of a bundle in LiteRT.js 2, whose module is passed: this one imports nothing of it.

import { BundleError } from "./errors.js";

/**
 * Load the models of a bundle and check that their edges are those of the manifest.
 *
 * @param {object} litert its module, after `loadLiteRt`
 * @param {object} manifest
 * @param {Object<string, Uint8Array>} files the contents, after `verifyFiles`
 * @returns {Promise<{encoder: Function, decoder: Function, labelled?: object}>} from values to
 *   values; `labelled` has both of values and a label, if the bundle has such models and `files`
 *   holds them
 */
export async function openModels(litert, manifest, files) {
  const models = {};
  const runs = {};
  for (const side of ["encoder", "decoder"]) {
    const part = manifest[side];
    models[part.file] ??= await compile(litert, part.file, files[part.file]);
    runs[side] = runnerOf(litert, models[part.file], side, part);
  }
  const { labels } = manifest;
  if (labels && [labels.encoder, labels.decoder].every(({ file }) => Object.hasOwn(files, file))) {
    runs.labelled = {};
    for (const side of ["encoder", "decoder"]) {
      const part = labels[side];
      const model = await compile(litert, part.file, files[part.file]);
      runs.labelled[side] = runnerOf(litert, model, `labels.${side}`, part);
    }
  }
  return runs;
}

/**
 * Say at once what no browser can run, in words that say what to do.
 *
 * @param {string} text manifest.json, not yet checked
 */
export function refuseWhatNoBrowserRuns(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    return; // parseManifest says what is wrong
  }
  for (const side of ["encoder", "decoder"]) {
    for (const end of ["input", "output"]) {
      const edge = content?.[side]?.[end];
      if (edge?.dtype === "int8") throw int8(`${side}.${end}`);
      if (Array.isArray(edge?.shape) && !(edge.shape[0] > 0)) throw batch(`${side}.${end}`);
    }
  }
}

function int8(where) {
  return new BundleError(
    `\`${where}\` is int8, which browsers cannot feed: export the bundle again with uint8 edges, ` +
      "as `kerasae export` does.",
  );
}

function batch(where) {
  return new BundleError(
    `\`${where}\` takes a batch of any size, which browsers cannot run: export the bundle again ` +
      "with a batch of 1, as `kerasae export` does.",
  );
}

async function compile(litert, file, bytes) {
  try {
    return await litert.loadAndCompile(bytes, { accelerator: "wasm" });
  } catch (error) {
    const message = String(error?.message ?? error);
    if (/\bINT8\b/.test(message)) throw int8(file);
    throw new BundleError(
      `${file} cannot be loaded by LiteRT.js: it is damaged, or has operators that are not built ` +
        `in (${message.replace(/\.$/, "").slice(0, 200)}).`,
    );
  }
}

function runnerOf(litert, model, side, part) {
  const names = Object.keys(model.signatures);
  const runner = part.signature ? model.signatures[part.signature] : model;
  if (!runner || (!part.signature && names.length > 1)) {
    throw new BundleError(
      `${part.file} must have the signature ${part.signature ?? "of one model"}. ` +
        `Received: ${names.join(", ")}`,
    );
  }
  let inputs, outputs;
  try {
    [inputs, outputs] = [runner.getInputDetails(), runner.getOutputDetails()];
  } catch (error) {
    throw new BundleError(`${part.file} has edges that LiteRT.js refuses: ${error.message}.`);
  }
  const taken = part.label ? 2 : 1;
  const place = part.label ? inputs.findIndex(({ name }) => name === "label") : -1;
  if (inputs.length !== taken || outputs.length !== 1 || (part.label && place < 0)) {
    const rule = part.label ? "two inputs, of which one is `label`," : "one input";
    throw new BundleError(
      `${part.file} must have ${rule} and one output. ` +
        `Received: ${inputs.length} and ${outputs.length}`,
    );
  }
  const first = place === 0 ? 1 : 0;
  for (const [end, edge, found] of [
    ["input", part.input, inputs[first]],
    ["output", part.output, outputs[0]],
    ...(part.label ? [["label", part.label, inputs[place]]] : []),
  ]) {
    const shape = Array.from(found.shape);
    if (found.dtype === "int8") throw int8(`${side}.${end}`);
    if (shape.some((n) => n < 1)) throw batch(`${side}.${end}`);
    if (found.dtype !== edge.dtype || String(shape) !== String(edge.shape)) {
      throw new BundleError(
        `manifest.json: \`${side}.${end}\` does not match ${part.file}. Received: ` +
          `${edge.dtype} [${edge.shape}], in the file ${found.dtype} [${shape}]`,
      );
    }
  }
  return async (values, label) => {
    const given = [new litert.Tensor(values, part.input.shape)];
    let results = [];
    try {
      if (part.label) given.splice(place, 0, new litert.Tensor(label, part.label.shape));
      results = await runner.run(given);
      return await results[0].data();
    } finally {
      for (const tensor of [...given, ...results]) tensor.delete();
    }
  };
}
