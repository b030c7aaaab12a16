// Composables: the client, and the variant to show.

import type { LeveredClient, VariantRequest } from "@levered/sdk";
import { inject, onBeforeMount, ref, shallowRef, type InjectionKey } from "vue";

export const LEVERED: InjectionKey<LeveredClient> = Symbol("levered");

/** Return the client, to track a conversion for example. */
export function useLevered(): LeveredClient {
  const client = inject(LEVERED);
  if (!client) throw Error("Write app.provide(LEVERED, client) before app.mount.");
  return client;
}

/** Return the variant to show. It is the fallback while `isLoading` is true. */
export function useVariant<T extends object>(request: VariantRequest<T>) {
  const client = useLevered();
  const variant = shallowRef(request.fallback);
  const isLoading = ref(true);
  // Not on a server that renders: its client is not the visitor's.
  onBeforeMount(async () => {
    variant.value = await client.getVariant(request);
    isLoading.value = false;
  });
  return { variant, isLoading };
}
