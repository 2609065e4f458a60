// Chapter 15: rub out a part of a digit, and see what the network puts there.

import { DIGITS, pixelsOf, strokes } from "./live.js";

const SIDE = 28;
const INK = { draw: ["#ffffff", 22], rub: ["#f58518", 50] }; // colour and width of the pen

export async function start(stage) {
  const drawn = stage.picture("Draw a digit, or rub a part out");
  const filled = stage.picture("Filled");
  const show = () =>
    stage.latest(async (stale) => {
      const data = pixelsOf(drawn, SIDE);
      // What is orange is missing, and as a value that no pixel has tells the network so.
      const given = Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
        data[4 * i] - data[4 * i + 2] > 40 ? -1 : data[4 * i] / 255,
      );
      const output = await stage.run("inpainter", given);
      if (stale()) return;
      const result = given.map((value, i) => (value < 0 ? output[i] : value));
      stage.draw(filled, result, { width: SIDE });
      const missing = given.filter((value) => value < 0).length;
      filled.caption.textContent = `Filled: ${missing} of ${SIDE * SIDE} pixels are the network's`;
      return { given, output, result };
    });

  const pad = stage.pad(drawn, show);
  let tool = "rub";
  const take = (name) => {
    tool = name;
    [pad.tools.ink.value, pad.tools.pen.value] = INK[name];
  };
  const other = stage.button("Draw", () => {
    other.textContent = tool === "rub" ? "Rub out" : "Draw";
    take(tool === "rub" ? "draw" : "rub");
  });
  stage.button("Clear", () => {
    pad.clear();
    show();
  });
  strokes(drawn, DIGITS[5]);
  strokes(drawn, [[[0.3, 0.62], [0.74, 0.62]]], 70, INK.rub[0]);
  take("rub");
  await show();
}
