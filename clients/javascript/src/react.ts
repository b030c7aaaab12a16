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
import { recall, remember, suspend } from "./decisions.ts";
import type { MenuOptions } from "./menu.ts";
import { isMenuAsked, isPreview, noteShown } from "./preview.ts";
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

export interface UseVariantRequest<T extends object = Variant> extends VariantRequest<T> {
  /** Wait in the nearest `<Suspense>` until the variant is known, instead of loading. */
  suspense?: boolean;
}

interface Value {
  client: LeveredClient;
  variants: Record<string, object>;
}

const Levered = createContext<Value | null>(null);

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

/**
 * Return the variant to show: the fallback first, unless it is known already. With
 * `suspense` nothing is shown first: the component is rendered when there is an answer.
 */
export function useVariant<T extends object = Variant>({
  suspense = false,
  ...request
}: UseVariantRequest<T>): VariantState<T> {
  const { client, variants } = useValue();
  const { optimizationId, fallback, context, anonymousId } = request;
  const user = anonymousId ?? client.anonymousId;
  const key = JSON.stringify([optimizationId, context, user]);
  const [decided, setDecided] = useState<{ key: string; variant: object } | null>(null);
  const rendered = variants[optimizationId];
  const known = rendered ?? recall(client, key);
  const awaited = suspense && !known ? (suspend(client, key, request) ?? fallback) : known;

  useEffect(() => {
    // A server does not know what the address of the page forces.
    if (awaited && !isPreview()) return undefined;
    const unmounted = new AbortController();
    const { signal } = unmounted;
    // What is shared has no fallback in it: each component fills in its own.
    void client.getDecision({ ...request, fallback: {}, signal }).then(({ variant, source }) => {
      if (source !== "fallback") remember(client, key, variant);
      if (!signal.aborted) setDecided({ key, variant });
    });
    return () => unmounted.abort();
    // The request is a new object in each render: the key says whether it changed.
  }, [client, key, !awaited]);

  const [shown] = useState<{ variant?: object | undefined }>({});
  const raw = decided?.key === key ? decided.variant : awaited;
  const variant = raw && fillIn(fallback, raw, shown.variant);
  useEffect(() => {
    shown.variant = variant;
    if (variant) noteShown(client, { request, variant });
  });
  return { variant: (variant ?? fallback) as T, isLoading: !variant };
}

/**
 * Add the factors that only the fallback has. What has not changed is the object of
 * before: an effect that depends on it does not run again.
 */
function fillIn(fallback: object, variant: object, before: any): object {
  const filled: any = { ...fallback, ...variant };
  const names = Object.keys({ ...before, ...filled });
  return before && names.every((name) => Object.is(before[name], filled[name])) ? before : filled;
}

export interface LeveredAdminMenuProps extends MenuOptions {
  /** Whether to show the menu. By default where the address has `levered_admin`. */
  enabled?: boolean;
}

/**
 * Show a menu of the levels that the components of this page can have. Whoever uses it
 * sees other variants, and is not counted meanwhile. Visitors do not load it.
 */
export function LeveredAdminMenu({ enabled, ...options }: LeveredAdminMenuProps): null {
  const { client } = useValue();
  const [latest] = useState<{ options: MenuOptions }>({ options });
  useEffect(() => {
    latest.options = options;
  });
  useEffect(() => {
    if (!(enabled ?? isMenuAsked())) return undefined;
    let isMounted = true;
    let detach = () => {};
    // Without its module, after a new release for example, there is no menu.
    const load = import("./menu.ts").then(({ attachMenu }) => {
      if (isMounted) detach = attachMenu(client, () => latest.options);
    });
    load.catch(() => {});
    return () => {
      isMounted = false;
      detach();
    };
  }, [client, enabled]);
  return null;
}
