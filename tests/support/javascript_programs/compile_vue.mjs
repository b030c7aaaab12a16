// Compile the Vue component on standard input as a bundler's plugin does; print a module.

import { createRequire, stripTypeScriptTypes } from "node:module";
import { text } from "node:stream/consumers";

const PACKAGE = new URL("../../../clients/javascript/package.json", import.meta.url);
const { compileScript, parse } = createRequire(PACKAGE)("vue/compiler-sfc");

const { descriptor, errors } = parse(await text(process.stdin));
if (errors.length) throw errors[0];
const { content } = compileScript(descriptor, { id: "component", inlineTemplate: true });
process.stdout.write(stripTypeScriptTypes(content));
