"use client";
// React: a provider with the client, and a hook that returns the variant to show.

import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useState,
  type ReactElement,
  type ReactNode,
} from "react";
import type { LeveredClient } from "./client.ts";
import type { Variant, VariantRequest } from "./types.ts";

export interface LeveredProviderProps {
  client: LeveredClient;
  /**
   * Variants that a server decided and rendered, by optimization. The page shows them
   * from its first render on, and does not ask again.
   */
  variants?: Record<string, object>;
  children?: ReactNode;
}

export interface VariantState<T extends object> {
  /** The variant; the fallback while it is loading and where there is none. */
  variant: T;
  isLoading: boolean;
}

interface Value {
  client: LeveredClient;
  variants: Record<string, object>;
}

const Levered = createContext<Value | null>(null);

// What a client has decided: a component that is mounted later shows it at once.
const decidedBy = new WeakMap<LeveredClient, Map<string, object>>();

function useValue(): Value {
  const value = useContext(Levered);
  if (!value) throw Error("Put <LeveredProvider client={…}> around your application.");
  return value;
}

/** Give a client, and what a server decided, to the components below. */
export function LeveredProvider({
  client,
  variants = {},
  children,
}: LeveredProviderProps): ReactElement {
  return createElement(Levered.Provider, { value: { client, variants } }, children);
}

/** Return the client, to track a conversion for example. */
export function useLevered(): LeveredClient {
  return useValue().client;
}

/** Return the variant to show: the fallback first, unless it is known already. */
export function useVariant<T extends object = Variant>(
  request: VariantRequest<T>,
): VariantState<T> {
  const { client, variants } = useValue();
  const { optimizationId, fallback, context, anonymousId } = request;
  const user = anonymousId ?? client.anonymousId;
  const key = JSON.stringify([optimizationId, context, user]);
  const [decided, setDecided] = useState<{ key: string; variant: object } | null>(null);
  const rendered = variants[optimizationId];
  const known = rendered ?? decidedBy.get(client)?.get(key);

  useEffect(() => {
    if (known) return undefined;
    let isMounted = true;
    void client.getDecision(request).then(({ variant, source }) => {
      if (source !== "fallback") remember(client, key, variant);
      if (isMounted) setDecided({ key, variant });
    });
    return () => {
      isMounted = false;
    };
    // The request is a new object in each render: the key says whether it changed.
  }, [client, key, known]);

  const variant = known ?? (decided?.key === key ? decided.variant : undefined);
  return { variant: (variant ?? fallback) as T, isLoading: !variant };
}

function remember(client: LeveredClient, key: string, variant: object): void {
  const known = decidedBy.get(client) ?? new Map<string, object>();
  decidedBy.set(client, known.set(key, variant));
}
