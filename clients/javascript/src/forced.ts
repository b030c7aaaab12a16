// Variants that the address of a page forces, for people who check how they look.

import type { LocalDecider } from "./local/decider.ts";
import type { VariantRequest } from "./types.ts";

/**
 * Return the variant that `?levered_variant=…` forces, if it is about this optimization.
 *
 * A value is a variant's number, which needs a public policy, or a JSON object of levels
 * that replace those of the fallback. `optimization id:` before it makes it one for that
 * optimization only. Throws where the value is none of these.
 */
export async function findForcedVariant(
  values: string[],
  { optimizationId, fallback }: VariantRequest<any>,
  loadDecider: () => Promise<LocalDecider>,
): Promise<Record<string, any> | undefined> {
  for (const value of values) {
    const [, id = optimizationId, json] = /^(?:([\da-f-]{36}):)?(.*)$/s.exec(value)!;
    if (id !== optimizationId) continue;
    const parsed = JSON.parse(json!);
    if (parsed instanceof Object) return { ...fallback, ...parsed };
    const decider = await loadDecider();
    return (await decider.findVariant(optimizationId, parsed)).variant;
  }
  return undefined;
}
