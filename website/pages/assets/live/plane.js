// Chapter 10: the plane of a variational autoencoder's codes, under the pointer.

const SIDE = 28;
const REACH = 2.5; // standard deviations from the middle to an edge
const GRID = 15; // digits of the map in a row
const STEP = 0.15; // of the code, for an arrow key

export async function start(stage) {
  const map = stage.picture("The plane of codes: move over it, or use the arrow keys");
  const drawn = stage.picture("Its digit");
  const { canvas } = map;
  let code = [0, 0];

  const places = Array.from({ length: GRID * GRID }, (_, i) => [
    REACH * ((2 * (i % GRID) + 1) / GRID - 1),
    -REACH * ((2 * Math.floor(i / GRID) + 1) / GRID - 1),
  ]);
  const digits = await stage.run("plane-decoder", places.flat());
  const mosaic = new Float32Array(digits.length);
  digits.forEach((value, i) => {
    const [place, pixel] = [Math.floor(i / SIDE ** 2), i % SIDE ** 2];
    const row = Math.floor(place / GRID) * SIDE + Math.floor(pixel / SIDE);
    mosaic[row * GRID * SIDE + (place % GRID) * SIDE + (pixel % SIDE)] = value;
  });

  const show = () =>
    stage.latest(async (stale) => {
      const output = await stage.run("plane-decoder", code);
      if (stale()) return;
      stage.draw(map, mosaic, { width: GRID * SIDE });
      mark(canvas, code);
      stage.draw(drawn, output, { width: SIDE });
      drawn.caption.textContent = `Its digit: code (${code.map((v) => v.toFixed(2)).join(", ")})`;
      return { code, output };
    });
  const go = (x, y) => {
    code = [x, y].map((value) => Math.min(REACH, Math.max(-REACH, value)));
    return show();
  };

  canvas.tabIndex = 0;
  canvas.role = "application";
  canvas.classList.add("live-pad");
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (2 * (event.clientX - box.left)) / box.width - 1;
    const y = 1 - (2 * (event.clientY - box.top)) / box.height;
    go(REACH * x, REACH * y);
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!move[event.key]) return;
    event.preventDefault();
    go(...code.map((value, i) => value + STEP * move[event.key][i]));
  });
  await go(0, 0);
}

function mark(canvas, [x, y]) {
  const context = canvas.getContext("2d");
  const at = (value) => ((value / REACH + 1) / 2) * canvas.width;
  context.strokeStyle = "#f58518";
  context.lineWidth = canvas.width / 90;
  context.beginPath();
  context.arc(at(x), at(-y), canvas.width / 40, 0, 2 * Math.PI);
  context.stroke();
}
