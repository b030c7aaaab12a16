// A small application that shows a headline, and tracks a purchase.

/** Make the application of React's functions and the client's hooks. */
export function makeApp({ createElement, useEffect, useState, useLevered, useVariant }) {
  const context = { device: "mobile" };

  function Headline({ optimizationId }) {
    const { variant, isLoading } = useVariant({
      optimizationId,
      fallback: { headline: "Fallback" },
      context,
    });
    return createElement("h1", { "data-loading": String(isLoading) }, variant.headline);
  }

  /** Show a note, which the optimization does not vary, and tell of each new variant. */
  function Note({ optimizationId, note, onVariant }) {
    const fallback = { headline: "Fallback", note };
    const { variant, isLoading } = useVariant({ optimizationId, fallback, context });
    useEffect(() => onVariant(variant), [variant]);
    const text = `${variant.headline}: ${variant.note}`;
    return createElement("p", { "data-loading": String(isLoading) }, text);
  }

  return function App({ notes = [], onVariant, ...props }) {
    const levered = useLevered();
    const [count, setCount] = useState(1);
    const headlines = Array.from({ length: count }, (_, key) =>
      createElement(Headline, { key, ...props }),
    );
    const shownNotes = Array.from({ length: count }, () => notes).flat();
    const noted = shownNotes.map((note, key) =>
      createElement(Note, { key, note, onVariant, ...props }),
    );
    const buy = { id: "buy", onClick: () => levered.track("purchase") };
    const more = { id: "more", onClick: () => setCount(count + 1) };
    const less = { id: "less", onClick: () => setCount(0) };
    return createElement(
      "main",
      null,
      ...headlines,
      ...noted,
      createElement("button", buy, "Buy"),
      createElement("button", more, "More"),
      createElement("button", less, "Less"),
    );
  };
}
