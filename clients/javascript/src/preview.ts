// Which optimizations a page shows, and what its address asks for.

import type { LeveredClient } from "./client.ts";
import type { VariantRequest } from "./types.ts";

/** What a component of the page asked for, and shows. */
export interface ShownVariant {
  request: VariantRequest<any>;
  variant: Record<string, any>;
}

const shownBy = new WeakMap<LeveredClient, Map<string, ShownVariant>>();

const isAsked = (name: string): boolean =>
  typeof document === "object" && new URLSearchParams(location.search).has(name);

/** Whether the address forces variants, so that nothing of this page counts. */
export const isPreview = (): boolean => isAsked("levered_variant");

/** Whether the address asks for the preview menu. */
export const isMenuAsked = (): boolean => isAsked("levered_admin");

/** Note what a component shows, for the preview menu. */
export function noteShown(client: LeveredClient, shown: ShownVariant): void {
  const known = shownBy.get(client) ?? new Map<string, ShownVariant>();
  shownBy.set(client, known.set(shown.request.optimizationId, shown));
}

/** List what the components of this page have shown, one for each optimization. */
export const listShown = (client: LeveredClient): ShownVariant[] => [
  ...(shownBy.get(client)?.values() ?? []),
];
