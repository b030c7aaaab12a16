// An application that waits for its headline, and shows that it does.

/** Make the application of React's functions and the client's hook. */
export function makeApp({ createElement, Suspense, useVariant }) {
  const context = { device: "mobile" };

  function Headline({ optimizationId }) {
    const { variant, isLoading } = useVariant({
      optimizationId,
      fallback: { headline: "Fallback" },
      context,
      suspense: true,
    });
    return createElement("h1", { "data-loading": String(isLoading) }, variant.headline);
  }

  /** Show a note, which the optimization does not vary. */
  function Note({ optimizationId, note }) {
    const fallback = { headline: "Fallback", note };
    const { variant } = useVariant({ optimizationId, fallback, context, suspense: true });
    return createElement("p", null, `${variant.headline}: ${variant.note}`);
  }

  return function App({ notes = [], ...props }) {
    const fallback = createElement("h1", null, "Waiting");
    const noted = notes.map((note) => createElement(Note, { key: note, note, ...props }));
    return createElement(Suspense, { fallback }, ...noted, createElement(Headline, props));
  };
}
