// An application with the preview menu, for an optimization or for factors of its own.

/** Make the application of React's functions and what the package has for it. */
export function makeApp({ createElement, useState, useLevered, useVariant, LeveredAdminMenu }) {
  const FALLBACK = { headline: "Fallback", cta: "Go" };

  function Optimized({ optimizationId }) {
    const { variant } = useVariant({ optimizationId, fallback: FALLBACK });
    const { headline, cta } = variant;
    return createElement("h1", null, `${headline}/${cta}`);
  }

  function Prototype() {
    const [levels, setLevels] = useState({ layout: "wide", columns: 2 });
    const variants = [
      { name: "layout", label: "Layout", options: [{ value: "wide" }, { value: "narrow" }] },
      { name: "columns", options: [{ value: 2 }, { value: 3, label: "Three" }] },
    ];
    const reset = () => setLevels({ layout: "wide", columns: 2 });
    return createElement(
      "div",
      null,
      createElement("h1", null, JSON.stringify(levels)),
      createElement(LeveredAdminMenu, {
        ...{ enabled: true, variants, currentValues: levels },
        ...{ onOverride: setLevels, onReset: reset },
      }),
    );
  }

  return function App({ optimizationId }) {
    const levered = useLevered();
    if (!optimizationId) return createElement(Prototype);
    const buy = { id: "buy", onClick: () => levered.track("purchase") };
    return createElement(
      "main",
      null,
      createElement(Optimized, { optimizationId }),
      createElement("p", { ...buy }, "Buy"),
      createElement(LeveredAdminMenu),
    );
  };
}
