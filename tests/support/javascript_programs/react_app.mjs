// A small application that shows a headline, and tracks a purchase.

/** Make the application of React's functions and the client's hooks. */
export function makeApp({ createElement, useState, useLevered, useVariant }) {
  function Headline({ optimizationId }) {
    const { variant, isLoading } = useVariant({
      optimizationId,
      fallback: { headline: "Fallback" },
      context: { device: "mobile" },
    });
    return createElement("h1", { "data-loading": String(isLoading) }, variant.headline);
  }

  return function App(props) {
    const levered = useLevered();
    const [count, setCount] = useState(1);
    const headlines = Array.from({ length: count }, (_, key) =>
      createElement(Headline, { key, ...props }),
    );
    const buy = { id: "buy", onClick: () => levered.track("purchase") };
    const more = { id: "more", onClick: () => setCount(count + 1) };
    const less = { id: "less", onClick: () => setCount(0) };
    return createElement(
      "main",
      null,
      ...headlines,
      createElement("button", buy, "Buy"),
      createElement("button", more, "More"),
      createElement("button", less, "Less"),
    );
  };
}
