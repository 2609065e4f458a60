// Chapter 14: draw a digit, add noise, and see what the network makes of it.

import { DIGITS, greyOf, normal, strokes } from "./live.js";

const SIDE = 28;

export async function start(stage) {
  const drawn = stage.picture("Draw a digit");
  const noisy = stage.picture("With noise");
  const cleaned = stage.picture("Cleaned");
  let level = 0.5;
  let seed = 0;
  let noise = normal(SIDE * SIDE, seed);

  const show = () =>
    stage.latest(async (stale) => {
      const clean = greyOf(drawn, SIDE);
      const spoilt = clean.map((value, i) => Math.min(1, Math.max(0, value + level * noise[i])));
      stage.draw(noisy, spoilt, { width: SIDE });
      const output = await stage.run("denoiser", spoilt);
      if (stale()) return;
      stage.draw(cleaned, output, { width: SIDE });
      noisy.caption.textContent = `With noise: ${psnr(clean, spoilt)}`;
      cleaned.caption.textContent = `Cleaned: ${psnr(clean, output)}`;
      return { clean, spoilt, output };
    });

  const pad = stage.pad(drawn, show);
  stage.slider("Noise", { min: 0, max: 1.5, step: 0.05, value: level }, (value) => {
    level = value;
    show();
  });
  stage.button("Other noise", () => {
    noise = normal(SIDE * SIDE, ++seed);
    show();
  });
  stage.button("Nothing at all", () => {
    pad.clear();
    show();
  });
  strokes(drawn, DIGITS[5]);
  await show();
}

function psnr(a, b) {
  const error = a.reduce((sum, value, i) => sum + (value - Math.min(1, Math.max(0, b[i]))) ** 2, 0);
  return error ? `${(10 * Math.log10(a.length / error)).toFixed(1)} dB` : "exact";
}
