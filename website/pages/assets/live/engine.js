// Models of a piece, run by LiteRT.js in the worker of the codec's page.

import { download } from "../../try/digits/page/fetching.js";
import { startLiteRt } from "../../try/digits/page/litert.js";

export class Engine {
  #litert;
  #models = {};

  /** Start LiteRT.js and load models; `models` has their addresses by name. */
  async open({ litert, models }, report) {
    const tell = (stage) => (done, total) => report({ stage, done, total });
    const files = {};
    for (const [name, url] of Object.entries(models)) {
      files[name] = await download(url, tell("the model"));
    }
    this.#litert = await startLiteRt(litert, tell("LiteRT.js"));
    for (const [name, bytes] of Object.entries(files)) {
      this.#models[name] = await this.#litert.loadAndCompile(bytes, { accelerator: "wasm" });
    }
  }

  /** Run a model of one input and one output, both float32; `values` may hold several inputs. */
  async run({ name, values }) {
    const model = this.#models[name];
    const [{ shape }] = model.getInputDetails();
    const size = Array.from(shape).reduce((a, b) => a * b, 1);
    const outputs = [];
    for (let at = 0; at < values.length; at += size) {
      const input = new this.#litert.Tensor(values.slice(at, at + size), Array.from(shape));
      let results = [];
      try {
        results = await model.run([input]);
        outputs.push(await results[0].data());
      } finally {
        for (const tensor of [input, ...results]) tensor.delete();
      }
    }
    const all = new Float32Array(outputs.reduce((sum, each) => sum + each.length, 0));
    outputs.reduce((offset, each) => (all.set(each, offset), offset + each.length), 0);
    return all;
  }
}
