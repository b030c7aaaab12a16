// A page with React that decides, shows and tracks, without a backend of its own.

import { LeveredClient } from "@levered/sdk";
import { LeveredProvider, useLevered, useVariant } from "@levered/sdk/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const client = new LeveredClient({
  apiUrl: "http://localhost:3100",
  // A publishable key of scope `track`: it may stand in a page.
  apiKey: "lev_pub_...",
  // The page decides by the public policy, and keeps what it decided.
  mode: "local",
});

const HERO = {
  optimizationId: "00000000-0000-4000-8000-000000000000",
  fallback: { headline: "Start free" },
};

function Hero() {
  const { variant, isLoading } = useVariant(HERO);
  const levered = useLevered();
  return (
    <main style={{ visibility: isLoading ? "hidden" : "visible" }}>
      <h1>{variant.headline}</h1>
      <button onClick={() => levered.track("purchase")}>Buy</button>
    </main>
  );
}

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <LeveredProvider client={client}>
      <Hero />
    </LeveredProvider>
  </StrictMode>,
);
