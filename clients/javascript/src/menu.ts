// The preview menu: it lists what a page shows, and reloads it with other levels.
//
// Plain elements in a shadow root: the page's styles do not reach it.

import type { LeveredClient } from "./client.ts";
import { make, makeSection, type Level, type MenuFactor, type Section } from "./menu-fields.ts";
import { isPreview, listShown, type ShownVariant } from "./preview.ts";

/** What a page may tell the menu. */
export interface MenuOptions {
  /** Factors with their levels, where no public policy says them. */
  variants?: MenuFactor[] | undefined;
  /** The levels that the page shows, for `onOverride`. */
  currentValues?: Record<string, Level> | undefined;
  /** Show these levels, without a reload. The address stays as it is. */
  onOverride?: ((levels: Record<string, Level>) => void) | undefined;
  /** Show what was shown before `onOverride`. */
  onReset?: (() => void) | undefined;
}

/** What the menu lists, and what its buttons do. */
interface Content {
  sections: Section[];
  apply: () => void;
  reset: () => void;
}

const PREVIEWED = "This is a preview: nothing on this page counts.";
const STYLES = `
* { box-sizing: border-box; font: 14px/1.4 system-ui, sans-serif; color: #1b1b1f; }
button, select, input { border: 1px solid #767680; border-radius: 6px; padding: 4px 8px;
  background: #fff; }
button { cursor: pointer; }
select, input { width: 100%; }
:focus-visible { outline: 3px solid #2f6fed; outline-offset: 2px; }
form { position: absolute; right: 0; bottom: 40px; width: 300px; max-width: 90vw;
  max-height: 70vh; overflow: auto; padding: 12px; border: 1px solid #767680;
  border-radius: 10px; background: #fff; }
form[hidden] { display: none; }
fieldset { margin: 8px 0; border: 1px solid #d0d0d8; border-radius: 6px; }
legend, small { overflow-wrap: anywhere; font-size: 12px; }
label { display: block; margin: 4px 0; }
`;
const HOST = {
  all: "initial",
  position: "fixed",
  right: "16px",
  bottom: "16px",
  "z-index": "2147483647",
};

/** Put the menu into the page, closed. Returns a function that removes it. */
export function attachMenu(client: LeveredClient, getOptions: () => MenuOptions): () => void {
  const host = document.createElement("div");
  host.id = "levered-admin-menu";
  Object.entries(HOST).forEach(([name, value]) => host.style.setProperty(name, value, "important"));
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  root.adoptedStyleSheets = [sheet];
  const form = make("form", { id: "panel", hidden: true });
  form.setAttribute("role", "dialog");
  form.setAttribute("aria-label", "Preview variants");
  const label = isPreview() ? "Levered: preview" : "Levered";
  const button = make("button", { type: "button", textContent: label });
  button.setAttribute("aria-controls", form.id);
  root.append(form, button);
  makeToggle(button, form, () => fill(form, client, getOptions()));
  // The page's own shortcuts do not listen to who types here.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(host);
  return () => host.remove();
}

/** Let the button open and close the panel, and Escape close it. */
function makeToggle(button: HTMLElement, panel: HTMLElement, onOpen: () => Promise<void>): void {
  const toggle = async (isOpen: boolean) => {
    button.setAttribute("aria-expanded", String(isOpen));
    panel.hidden = !isOpen;
    if (!isOpen) return button.focus();
    await onOpen();
    panel.querySelector<HTMLElement>("select, input, button")?.focus();
  };
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => void toggle(!!panel.hidden));
  panel.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") void toggle(false);
  });
}

/** Write what the page shows now into the form. */
async function fill(
  form: HTMLFormElement,
  client: LeveredClient,
  options: MenuOptions,
): Promise<void> {
  const list = options.onOverride ? listOwnFactors : listOptimizations;
  const { sections, apply, reset } = await list(client, options);
  const text = client.forced.length
    ? PREVIEWED
    : sections.length
      ? "Choose levels. While you preview them, nothing on this page counts."
      : "No component of this page shows an optimization.";
  const status = make("div", { textContent: text });
  status.setAttribute("role", "status");
  const submit = make("button", { type: "submit", textContent: "Preview" });
  const button = make("button", { type: "button", textContent: "Reset" });
  button.onclick = () => {
    reset();
    status.textContent = "";
  };
  form.replaceChildren(status, ...sections.map(({ element }) => element), submit, " ", button);
  form.onsubmit = (event) => {
    event.preventDefault();
    apply();
    status.textContent = PREVIEWED;
  };
}

/** List the factors that the page shows by itself, before there is an optimization. */
async function listOwnFactors(
  client: LeveredClient,
  { variants = [], currentValues = {}, onOverride, onReset }: MenuOptions,
): Promise<Content> {
  const section = makeSection("This page", variants, currentValues);
  const force = (values: string[]) => (client.forced = values);
  return {
    sections: [section],
    apply: () => {
      force([JSON.stringify(section.read())]);
      onOverride?.(section.read());
    },
    reset: () => {
      force(new URLSearchParams(location.search).getAll("levered_variant"));
      onReset?.();
    },
  };
}

/** List the optimizations that components of this page have shown. */
async function listOptimizations(
  client: LeveredClient,
  { variants = [] }: MenuOptions,
): Promise<Content> {
  const shown = listShown(client);
  const ids = shown.map(({ request }) => request.optimizationId);
  const sections = await Promise.all(shown.map((each) => describe(client, each, variants)));
  const apply = () =>
    preview(ids, sections.map(({ read }, index) => `${ids[index]}:${JSON.stringify(read())}`));
  return { sections, apply, reset: () => reload([]) };
}

async function describe(
  client: LeveredClient,
  { request: { optimizationId }, variant }: ShownVariant,
  described: MenuFactor[],
): Promise<Section> {
  const variants = await loadVariants(client, optimizationId);
  const factors = Object.keys(variant).map((name) => {
    const levels = new Set(variants.map((each) => each[name]!));
    const options = [...levels].map((value) => ({ value }));
    const known = described.find((factor) => factor.name === name);
    return known ?? { name, options };
  });
  const section = makeSection(optimizationId, factors, variant);
  if (!variants.length) {
    const textContent = "Levels are listed where public_policy is true.";
    section.element.append(make("small", { textContent }));
  }
  return section;
}

/** Return the variants of a public policy; none where it is not public. */
async function loadVariants(client: LeveredClient, id: string): Promise<Record<string, Level>[]> {
  try {
    const { policy } = await (await client.loadDecider()).load(id);
    return policy.variants.map(({ variant }) => variant);
  } catch {
    return [];
  }
}

/** Reload the page with other forced variants; those of other pages' optimizations stay. */
function preview(ids: string[], values: string[]): void {
  const isElsewhere = (value: string) =>
    /^[\da-f-]{36}:/.test(value) && !ids.includes(value.slice(0, 36));
  const forced = new URLSearchParams(location.search).getAll("levered_variant");
  reload([...forced.filter(isElsewhere), ...values]);
}

function reload(values: string[]): void {
  const url = new URL(location.href);
  url.searchParams.delete("levered_variant");
  values.forEach((value) => url.searchParams.append("levered_variant", value));
  history.replaceState(history.state, "", url);
  location.reload();
}
