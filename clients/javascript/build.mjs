// Build dist/, or the folder that is named: ES modules, CommonJS, and the types of both.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const COMPILER = join(FOLDER, "node_modules/typescript/bin/tsc");
const FORMATS = [
  { name: "esm", module: "esnext", type: "module" },
  { name: "cjs", module: "commonjs", type: "commonjs" },
];

const target = process.argv[2] ?? join(FOLDER, "dist");
rmSync(target, { recursive: true, force: true });
for (const { name, module, type } of FORMATS) {
  const output = join(target, name);
  const options = ["--project", FOLDER, "--module", module, "--outDir", output];
  execFileSync(process.execPath, [COMPILER, ...options], { stdio: "inherit" });
  writeFileSync(join(output, "package.json"), `${JSON.stringify({ type })}\n`);
}
