// An application that waits for its headline, and shows that it does.

/** Make the application of React's functions and the client's hook. */
export function makeApp({ createElement, Suspense, useVariant }) {
  function Headline({ optimizationId }) {
    const { variant, isLoading } = useVariant({
      optimizationId,
      fallback: { headline: "Fallback" },
      context: { device: "mobile" },
      suspense: true,
    });
    return createElement("h1", { "data-loading": String(isLoading) }, variant.headline);
  }

  return function App(props) {
    const fallback = createElement("h1", null, "Waiting");
    return createElement(Suspense, { fallback }, createElement(Headline, props));
  };
}
