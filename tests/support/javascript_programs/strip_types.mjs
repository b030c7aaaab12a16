// Write the sources of the client as JavaScript modules into the folder that is named.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

const SOURCES = join(import.meta.dirname, "../../../clients/javascript/src");
const [, , target] = process.argv;

for (const name of readdirSync(SOURCES, { recursive: true })) {
  if (!name.endsWith(".ts")) continue;
  const text = stripTypeScriptTypes(readFileSync(join(SOURCES, name), "utf8"));
  const file = join(target, name.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text.replaceAll('.ts"', '.js"'));
}
