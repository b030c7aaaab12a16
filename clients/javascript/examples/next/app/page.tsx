// A server component: it decides, and gives the variants to the page.

import { Hero } from "./hero";
import { HERO } from "./hero-request";
import { decide } from "./levered";
import { Providers } from "./providers";

interface PageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function Page({ searchParams }: PageProps) {
  const isPreview = "levered_variant" in (await searchParams);
  const { anonymousId, variants } = await decide([HERO], isPreview);
  return (
    <Providers anonymousId={anonymousId} variants={variants}>
      <Hero />
    </Providers>
  );
}
