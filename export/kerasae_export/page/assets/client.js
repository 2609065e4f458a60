// The page's side of the worker: calls that return promises.

/** The engine in its worker; `call` runs one of its methods there. */
export class Client {
  #worker;
  #waiting = new Map();
  #last = 0;

  /**
   * @param {string} url of the worker
   * @param {string} module which exports the `Engine` that it runs, beside it
   */
  constructor(url, module) {
    this.#worker = new Worker(url, { name: module });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`The page's worker failed: ${event.message ?? "it did not load"}.`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  /**
   * @param {string} op a method of `Engine`
   * @param {object} args what it takes
   * @param {(progress: object) => void} [tell]
   * @returns {Promise<any>}
   */
  call(op, args, tell = () => {}) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, tell });
      this.#worker.postMessage({ id, op, args });
    });
  }

  #receive({ id, result, error, progress }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (progress) {
      waiting.tell(progress);
      return;
    }
    this.#waiting.delete(id);
    if (error) waiting.reject(Object.assign(new Error(error.message), { name: error.name }));
    else waiting.resolve(result);
  }
}
