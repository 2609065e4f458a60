// LiteRT.js, for a worker.

import { open, PageError } from "./fetching.js";

/**
 * Start LiteRT.js from the folder that holds it.
 *
 * @param {string} folder its address, with a slash at the end
 * @param {(done: number, total: number) => void} tell
 * @returns {Promise<object>} its module
 */
export async function startLiteRt(folder, tell) {
  if (typeof WebAssembly !== "object") {
    throw new PageError("This browser has no WebAssembly, without which the models cannot run.");
  }
  // LiteRT.js would ask for a GPU, which takes time and is not used, and warn if there is none.
  Object.defineProperty(self.navigator, "gpu", { value: undefined, configurable: true });
  const { warn } = console;
  const litert = await import(`${folder}index.js`);
  let failed;
  const failure = new Promise((_, reject) => {
    failed = reject;
  });
  const wide = await litert.supportsFeature("relaxedSimd");
  const wasm = `${folder}litert_wasm_${wide ? "" : "compat_"}internal.wasm`;
  // What its loader looks for: where the wasm is, and where to put what it says.
  self.Module = {
    instantiateWasm(imports, done) {
      open(wasm, tell)
        .then((stream) => new Response(stream, { headers: { "Content-Type": "application/wasm" } }))
        .then((response) => WebAssembly.instantiateStreaming(response, imports))
        .then(({ instance, module }) => done(instance, module))
        .catch(failed);
      return {};
    },
    print() {},
    printErr(line) {
      if (!/^(INFO|WARNING|VERBOSE)/.test(line)) console.debug(line);
    },
  };
  try {
    console.warn = () => {};
    await Promise.race([litert.loadLiteRt(folder), failure]);
  } catch (error) {
    if (error instanceof PageError) throw error;
    throw new PageError(`LiteRT.js cannot start in this browser: ${error?.message ?? error}.`);
  } finally {
    console.warn = warn;
  }
  return litert;
}
