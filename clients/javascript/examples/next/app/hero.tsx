"use client";
// The part of the page that is optimized.

import { useLevered, useVariant } from "@levered/sdk/react";
import { HERO } from "./hero-request";

export function Hero() {
  const { variant } = useVariant(HERO);
  const levered = useLevered();
  return (
    <>
      <h1>{variant.headline}</h1>
      <button onClick={() => levered.track("purchase")}>Buy</button>
    </>
  );
}
