"use client";
// The client of the page, with what the server decided.

import { LeveredClient } from "@levered/sdk";
import { LeveredAdminMenu, LeveredProvider } from "@levered/sdk/react";
import { useState, type ReactNode } from "react";

interface ProvidersProps {
  anonymousId: string;
  variants: Record<string, object>;
  children: ReactNode;
}

export function Providers({ anonymousId, variants, children }: ProvidersProps) {
  // Made for each visitor: this component is rendered on the server as well.
  const [client] = useState(
    () =>
      new LeveredClient({
        apiUrl: process.env.NEXT_PUBLIC_LEVERED_URL!,
        apiKey: process.env.NEXT_PUBLIC_LEVERED_KEY!,
        anonymousId,
      }),
  );
  return (
    <LeveredProvider client={client} variants={variants}>
      {children}
      <LeveredAdminMenu />
    </LeveredProvider>
  );
}
