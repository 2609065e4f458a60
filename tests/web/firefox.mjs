// The front page in Firefox: `node firefox.mjs URL` prints what its codec made, as JSON.
// NODE_PATH is a folder with puppeteer-core; FIREFOX is the browser.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [url] = process.argv.slice(2);
const require = createRequire(path.join(process.env.NODE_PATH, "none.js"));
const found = require.resolve("puppeteer-core", { paths: [path.dirname(process.env.NODE_PATH)] });
const { default: puppeteer } = await import(pathToFileURL(found));

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.env.FIREFOX,
  headless: true,
});
try {
  const page = await browser.newPage();
  const told = { elsewhere: [], errors: [] };
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(url))
      told.elsewhere.push(request.url());
  });
  page.on("pageerror", (error) => told.errors.push(String(error)));
  await page.goto(url);
  const wait = (name) =>
    page.evaluate((mode) => {
      const box = document.querySelector(`.demo-mode[data-mode=${mode}]`);
      window.result = new Promise((done) => {
        box.addEventListener("shown", ({ detail: { kae, original } }) => {
          const shape = [original.height, original.width, -1];
          done({ kae: Array.from(kae), original: Array.from(original.data), shape });
        });
      });
    }, name);

  await wait("photo");
  await page.evaluate(() => document.querySelector(".demo-modes input[value=photo]").click());
  await page.click("[data-mode=photo] .demo-begin");
  told.photo = await page.evaluate(() => window.result);

  await page.evaluate(() => document.querySelector(".demo-modes input[value=digit]").click());
  await page.click("[data-mode=digit] .demo-begin");
  await page.waitForSelector(".demo-pad", { timeout: 120_000 });
  await wait("digit");
  await page.evaluate(() => document.querySelector(".demo-pad").scrollIntoView({ block: "center" }));
  const box = await (await page.$(".demo-pad")).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y];
  await page.mouse.move(x, y + 0.2 * box.height);
  await page.mouse.down();
  await page.mouse.move(x, y + 0.8 * box.height, { steps: 5 });
  await page.mouse.up();
  told.digit = await page.evaluate(() => window.result);
  process.stdout.write(JSON.stringify(told));
} finally {
  await browser.close();
}
