// Decide on the server, for the visitor whose page is rendered.

import { cookies } from "next/headers";
import { LeveredClient, type VariantRequest } from "@levered/sdk";

// One client for all visitors: each call names its own.
const levered = new LeveredClient({
  apiUrl: process.env.NEXT_PUBLIC_LEVERED_URL!,
  apiKey: process.env.LEVERED_KEY!,
  timeoutMs: 500,
});

/** Return the visitor's id, and what was decided by optimization. */
export async function decide(requests: VariantRequest[], isPreview: boolean) {
  const anonymousId = (await cookies()).get("levered_id")?.value ?? crypto.randomUUID();
  const decisions = await Promise.all(
    // A preview counts nothing: the page shows what its address says.
    isPreview ? [] : requests.map((each) => levered.getDecision({ ...each, anonymousId })),
  );
  // Fallbacks too: a page must not change what its visitor has read.
  const decided = decisions.map(({ optimizationId, variant }) => [optimizationId, variant]);
  const variants: Record<string, object> = Object.fromEntries(decided);
  return { anonymousId, variants };
}
