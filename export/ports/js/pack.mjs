// Before `npm pack`, copies the families of photographs beside the modules; after it, removes them.

import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";

const here = new URL("./families/", import.meta.url);
const families = new URL("../../kerasae_export/photo/families/", import.meta.url);

rmSync(here, { recursive: true, force: true });
if (process.argv[2] !== "clean") {
  mkdirSync(here);
  for (const entry of readdirSync(families, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith("_")) continue;
    cpSync(new URL(`${entry.name}/family.json`, families), new URL(`${entry.name}.json`, here));
  }
}
