// Print the bytes of modules after gzip, made as small as is simple.
//
// Types, comments, spaces and imports go; names become short where they are private, or
// where no property has them. A real minifier does more: this is an upper bound.

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { gzipSync } from "node:zlib";

const compact = (source) =>
  stripTypeScriptTypes(source)
    .replace(/^\s*\/\*\*[^]*?\*\//gm, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/^(import|export) \{[^}]*\} from .*$/gm, "")
    .replace(/^export /gm, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{}()[\];,:<>=+*/?&|!-]) ?/g, "$1")
    .replace(/;}/g, "}")
    .replace(/,([}\])])/g, "$1");

const text = process.argv.slice(2).map((file) => compact(readFileSync(file, "utf8"))).join("");

// Names that are declared, but for those that a property or a text may have.
const DECLARED = /\b(?:const|let|function|class) ([a-zA-Z_]\w*)|[(,]([a-zA-Z_]\w*)(?=[,)=])/g;
const TAKEN = /[{.]\w+|,\w+\b(?!\))|"[^"]*"|`[^`]*`/g;
const declared = [...text.matchAll(DECLARED)].map(([, name, other]) => name ?? other);
const taken = new Set(text.match(TAKEN).flatMap((each) => each.match(/\w+/g) ?? []));
const names = new Set(declared.filter((name) => !taken.has(name) && name !== "LeveredClient"));
const RENAMED = new RegExp(`#[a-zA-Z]\\w+|\\b(?:${[...names].join("|")})\\b`, "g");

const shortNames = new Map();
function shorten(name) {
  if (!shortNames.has(name)) {
    const number = shortNames.size;
    const letter = String.fromCharCode(97 + (number % 26));
    const suffix = number > 25 ? Math.floor(number / 26) : "";
    shortNames.set(name, (name.startsWith("#") ? "#" : "") + letter + suffix);
  }
  return shortNames.get(name);
}

console.log(gzipSync(text.replace(RENAMED, shorten), { level: 9 }).length);
