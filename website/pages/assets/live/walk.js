// Chapter 12: walk between two digits by their codes, or draw codes at random.

import { DIGITS, greyOf, normal, strokes } from "./live.js";

const SIDE = 28;
const CODE = 16;

export async function start(stage) {
  const first = stage.picture("Draw one digit");
  const between = stage.picture("Between them");
  const second = stage.picture("Draw another");
  let share = 0.5;
  let seed = 0;

  const decode = async (code, stale, text) => {
    const output = await stage.run("vae-decoder", code);
    if (stale()) return null;
    stage.draw(between, output, { width: SIDE });
    between.caption.textContent = text;
    return { code, output };
  };
  const show = () =>
    stage.latest(async (stale) => {
      const codes = [];
      for (const picture of [first, second]) {
        codes.push(await stage.run("vae-encoder", greyOf(picture, SIDE)));
        if (stale()) return null;
      }
      const code = codes[0].map((value, i) => value + share * (codes[1][i] - value));
      const text = `Between them: ${Math.round(100 * share)} % of the way`;
      return { codes, ...(await decode(code, stale, text)) };
    });
  const sample = () =>
    stage.latest((stale) => decode(normal(CODE, ++seed), stale, "A code at random, decoded"));

  const pads = [first, second].map((picture) => stage.pad(picture, show));
  stage.slider(
    "Way",
    { min: 0, max: 1, step: 0.02, value: share },
    (value) => {
      share = value;
      show();
    },
    (value) => `${Math.round(100 * value)} %`,
  );
  stage.button("A random code", sample);
  stage.button("Clear", () => {
    for (const pad of pads) pad.clear();
    show();
  });
  strokes(first, DIGITS[3]);
  strokes(second, DIGITS[7]);
  await show();
}
