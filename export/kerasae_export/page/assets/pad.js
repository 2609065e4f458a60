// A canvas to draw on, with finger, pen, mouse or keyboard.

const STEP = 4; // pixels that an arrow key moves

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{ink, pen, swap, clear: HTMLElement}} tools
 * @param {() => void} changed called after each stroke
 */
export class Pad {
  #context;
  #paper = "#000000";
  #last = null;
  #cursor;
  #down = false;

  constructor(canvas, tools, changed) {
    this.canvas = canvas;
    this.tools = tools;
    this.changed = changed;
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#last = null;
      this.#line(this.#place(event));
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.#line(this.#place(each));
    });
    canvas.addEventListener("lostpointercapture", () => {
      this.#last = null;
      this.changed();
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    tools.clear.addEventListener("click", () => {
      this.clear();
      this.changed();
    });
    tools.swap.addEventListener("click", () => {
      [this.tools.ink.value, this.#paper] = [this.#paper, this.tools.ink.value];
      this.clear();
      this.changed();
    });
  }

  /** Take a size in pixels and the colours to begin with. */
  reset(height, width, ink, paper) {
    this.canvas.height = height;
    this.canvas.width = width;
    this.tools.ink.value = ink;
    this.#paper = paper;
    this.clear();
  }

  clear() {
    const { width, height } = this.canvas;
    this.#context.fillStyle = this.#paper;
    this.#context.fillRect(0, 0, width, height);
    this.#cursor = [width / 2, height / 2];
    this.#down = false;
    this.#last = null;
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.canvas.width;
    const y = ((event.clientY - box.top) / box.height) * this.canvas.height;
    return [x, y];
  }

  #line(to) {
    const context = this.#context;
    context.strokeStyle = this.tools.ink.value;
    context.lineWidth = Number(this.tools.pen.value);
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...(this.#last ?? to));
    context.lineTo(...to);
    context.stroke();
    this.#last = to;
    this.#cursor = to;
  }

  #key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ];
    if (event.key === " ") {
      this.#down = !this.#down;
      this.#last = null;
      if (this.#down) this.#line(this.#cursor);
    } else if (move) {
      const limit = [this.canvas.width, this.canvas.height];
      const to = this.#cursor.map((at, i) => Math.min(limit[i], Math.max(0, at + STEP * move[i])));
      if (this.#down) this.#line(to);
      this.#cursor = to;
    } else {
      return;
    }
    event.preventDefault();
    this.changed();
  }
}
