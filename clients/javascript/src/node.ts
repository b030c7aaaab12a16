// What Node loads as `@levered/sdk`: Node 18 has WebCrypto in a module, not as a global.

// @ts-ignore There are no types of Node here, as for browsers.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;

export * from "./index.ts";
