// Runs the codec away from the page, which stays quick. No module, but imports them: LiteRT.js
// loads its wasm with importScripts, which modules lack.

const ready = import(`./${self.name}`).then(({ Engine }) => new Engine());
let turn = Promise.resolve(); // one job at a time: they share the models

self.onmessage = ({ data: { id, op, args } }) => {
  const report = (progress) => self.postMessage({ id, progress });
  turn = turn.then(async () => {
    try {
      const engine = await ready;
      self.postMessage({ id, result: await engine[op](args, report) });
    } catch (error) {
      let { name = "Error", message = String(error) } = error ?? {};
      if (error instanceof WebAssembly.RuntimeError) {
        message = `The models stopped, perhaps for want of memory (${message}): reload the page.`;
      }
      self.postMessage({ id, error: { name, message } });
    }
  });
};
