// Flags as OpenFeature asks for them: keys, contexts, values, reasons and errors.

import type { Context, Decision } from "./types.ts";

export type Kind = "boolean" | "string" | "number" | "object";

/** `ResolutionDetails` of OpenFeature. */
export interface Resolution<T> {
  value: T;
  variant?: string;
  reason?: string;
  flagMetadata?: Record<string, string | number | boolean>;
  /** An `ErrorCode`: their enum, to which no text of ours is assignable. */
  errorCode?: any;
  errorMessage?: string;
}

/** `EvaluationContext` of OpenFeature, as far as it is used. */
export interface FlagContext {
  targetingKey?: string | undefined;
  [name: string]: unknown;
}

export interface FlagKey {
  optimizationId: string;
  /** Absent where the flag is the whole variant. */
  factor?: string;
}

/** An error that OpenFeature has a code for. */
export class FlagError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const REASONS: Record<Decision["source"], string> = {
  ...{ remote: "SPLIT", local: "SPLIT", stored: "CACHED", forced: "STATIC", fallback: "ERROR" },
};

/**
 * Read `optimization id`, `optimization id.factor`, or a name of one of these. Throws
 * FlagError for anything else.
 */
export function parseKey(key: string, names: Record<string, string>): FlagKey {
  const text = Object.hasOwn(names, key) ? names[key]! : key;
  const [, optimizationId, factor] = /^([\da-f-]{36})(?:\.(.+))?$/is.exec(text) ?? [];
  if (!optimizationId) throw new FlagError("FLAG_NOT_FOUND", `there is no flag ${key}`);
  return { optimizationId: optimizationId.toLowerCase(), ...(factor && { factor }) };
}

/** Return what a decision can depend on: no objects, which applications often add. */
export function readContext({ targetingKey: _, ...others }: FlagContext): Context {
  const simple = Object.entries(others).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(simple.filter(([, value]) => !(value instanceof Object)));
}

/** Describe what a decision says about a flag. Throws FlagError where that is nothing. */
export function resolve<T>(
  { factor }: FlagKey,
  decision: Decision<any>,
  kind: Kind,
  defaultValue: T,
): Resolution<T> {
  const { source, variant, variantNumber } = decision;
  if (source === "fallback") {
    throw new FlagError("GENERAL", "there is no decision: the client's onError was told why");
  }
  const details = {
    reason: REASONS[source],
    flagMetadata: readMetadata(decision),
    ...(variantNumber != null && { variant: String(variantNumber) }),
  };
  const value = factor ? variant[factor] : { ...defaultValue, ...variant };
  if (value === undefined) {
    // The address of a page may force some factors only.
    if (source === "forced") return { ...details, value: defaultValue, reason: "DEFAULT" };
    throw new FlagError("FLAG_NOT_FOUND", `there is no factor ${factor}`);
  }
  if (typeof value === kind) return { ...details, value };
  throw new FlagError("TYPE_MISMATCH", `this flag is a ${typeof value}, not a ${kind}`);
}

/** Describe an error, with the default value. Throws again what has no code. */
export function describeError<T>(error: unknown, value: T): Resolution<T> {
  if (!(error instanceof FlagError)) throw error;
  return { value, reason: "ERROR", errorCode: error.code, errorMessage: error.message };
}

function readMetadata(decision: Decision): Record<string, string | number | boolean> {
  const { optimizationId, anonymousId, source, policyVersion, propensity, inHoldout } = decision;
  return {
    ...{ optimizationId, anonymousId, source },
    ...(policyVersion != null && { policyVersion }),
    ...(propensity != null && { propensity }),
    ...(inHoldout != null && { inHoldout }),
  };
}
