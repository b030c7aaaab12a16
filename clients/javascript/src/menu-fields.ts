// The fields of the preview menu: one for each factor, and what was chosen in it.

export type Level = string | number | boolean;

/** A factor as a page describes it to the menu. */
export interface MenuFactor {
  name: string;
  label?: string;
  options: { value: Level; label?: string }[];
}

export interface Section {
  element: HTMLElement;
  /** Return the chosen level of each factor. */
  read: () => Record<string, Level>;
}

/** Make the fields of some factors, with the levels that the page shows now. */
export function makeSection(
  title: string,
  factors: MenuFactor[],
  current: Record<string, Level>,
): Section {
  const element = make("fieldset", {});
  element.append(make("legend", { textContent: title }));
  const readers = factors.map((factor) => {
    const { field, read } = makeField(factor, current[factor.name]);
    const label = make("label", { textContent: factor.label ?? factor.name });
    label.append(field);
    element.append(label);
    return [factor.name, read] as const;
  });
  return { element, read: () => Object.fromEntries(readers.map(([name, read]) => [name, read()])) };
}

/** Make a list of the known levels, or a text field where none is known. */
function makeField(
  { options }: MenuFactor,
  level: Level = "",
): { field: HTMLElement; read: () => Level } {
  const isUnknown = !options.some(({ value }) => value === level);
  if (typeof level === "boolean" && isUnknown) options = [{ value: true }, { value: false }];
  else if (options.length && isUnknown) options = [{ value: level }, ...options];
  if (!options.length) {
    const field = make("input", { value: String(level) });
    return { field, read: () => (typeof level === "number" ? +field.value : field.value) };
  }
  const field = make("select", {});
  field.append(...options.map(({ value, label }) => new Option(label ?? String(value))));
  field.selectedIndex = options.findIndex(({ value }) => value === level);
  return { field, read: () => options[field.selectedIndex]!.value };
}

/** Make an element with some of its properties. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  fields: Partial<HTMLElementTagNameMap[K]>,
): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(name), fields);
}
