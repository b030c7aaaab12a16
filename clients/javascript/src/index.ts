// What `import … from "@levered/sdk"` offers.

export { LeveredClient } from "./client.ts";
export type {
  Context,
  Decision,
  KeyValueStorage,
  LeveredOptions,
  TrackOptions,
  Variant,
  VariantRequest,
} from "./types.ts";
