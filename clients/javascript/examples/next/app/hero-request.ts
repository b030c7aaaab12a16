// What the hero asks for, on the server and in the page.

export const HERO = {
  optimizationId: "00000000-0000-4000-8000-000000000000",
  fallback: { headline: "Start free" },
};
