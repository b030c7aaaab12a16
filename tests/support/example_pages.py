"""The pages of docs/examples, made into files that a browser loads without a bundler."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.code_blocks import ROOT
from tests.support.javascript_client import (
    PACKAGE,
    PATIENT_MS,
    PLACEHOLDER_ID,
    PROGRAMS,
    run_node,
)

EXAMPLES = ROOT / "docs" / "examples"
MODULES = PACKAGE / "node_modules"
COMPILER = MODULES / "typescript" / "bin" / "tsc"
OPTIONS = (
    *("--strict", "--module", "esnext", "--moduleResolution", "bundler"),
    *("--target", "es2022", "--jsx", "react-jsx", "--types", "", "--ignoreConfig"),
)
TIMEOUT = re.compile(r"\n *timeoutMs: \d+,")
RELATIVE = re.compile(r'(from "\./[\w-]+(?:\.vue)?)"')
SDK = {
    "@levered/sdk": "./levered/index.js",
    "@levered/sdk/react": "./levered/react.js",
}
# What each page imports beside the package, and the file that a bundler would put there.
IMPORTS = {
    "react": {
        "react": "./react.js",
        "react/jsx-runtime": "./jsx-runtime.js",
        "react-dom/client": "./react.js",
    },
    "vue": {"vue": "./vue.js"},
}
# What a bundler knows and the compiler does not.
DECLARATIONS = """\
declare module "react-dom/client" {
  import type { ReactNode } from "react";
  export function createRoot(element: Element): { render(node: ReactNode): void };
}
declare module "*.vue" {
  import type { Component } from "vue";
  const component: Component;
  export default component;
}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """The service, publishable key and optimization that an example is written for."""

    url: str
    key: str
    optimization_id: object

    def adapt(self, text: str) -> str:
        """Return an example for this service, as patient as a busy machine needs it."""
        patient = f'"{self.url}", timeoutMs: {PATIENT_MS}'
        return (
            TIMEOUT.sub("", text)
            .replace('"http://localhost:3100"', patient)
            .replace("lev_pub_...", self.key)
            .replace(PLACEHOLDER_ID, str(self.optimization_id))
        )


def build_package(folder: Path) -> None:
    """Build the package into a folder in which programs import it by its name."""
    modules = folder / "dist" / "esm"
    run_node(
        *(COMPILER, "--project", PACKAGE, "--module", "esnext", "--outDir", modules)
    )
    shutil.copy(PACKAGE / "package.json", folder)
    (folder / "node_modules").symlink_to(MODULES)


def write_react_modules(folder: Path) -> None:
    """Write React as modules that a browser loads."""
    run_node(PROGRAMS / "bundle_react.mjs", folder / "react.js")
    runtime = MODULES / "react" / "cjs" / "react-jsx-runtime.production.js"
    (folder / "jsx-runtime.js").write_text(
        f"const exports = {{}};\n{runtime.read_text()}\n"
        "export const { Fragment, jsx, jsxs } = exports;\n"
    )


def build_pages(package: Path) -> Path:
    """Build the pages beside the built package; return the folder that has them."""
    sources, pages = package / "sources", package / "pages"
    for name in IMPORTS:
        shutil.copytree(EXAMPLES / name, sources / name)
    (sources / "bundler.d.ts").write_text(DECLARATIONS)
    typed = [path for path in sources.rglob("*.ts*") if path.is_file()]
    run_node(COMPILER, *OPTIONS, "--rootDir", sources, "--outDir", pages, *typed)
    component = (EXAMPLES / "vue" / "Hero.vue").read_text()
    compiled = run_node(PROGRAMS / "compile_vue.mjs", stdin=component)
    (pages / "vue" / "Hero.vue.js").write_text(compiled)
    for path in pages.rglob("*.js"):
        path.write_text(RELATIVE.sub(r'\1.js"', path.read_text()))
    for name in IMPORTS:
        _write_index(pages / name, name)
    vue = MODULES / "vue" / "dist" / "vue.runtime.esm-browser.prod.js"
    shutil.copy(vue, pages / "vue" / "vue.js")
    write_react_modules(pages / "react")
    shutil.copytree(EXAMPLES / "page", pages / "page")
    for folder in pages.iterdir():
        shutil.copytree(package / "dist" / "esm", folder / "levered")
    return pages


def _write_index(folder: Path, name: str) -> None:
    """Write a page that loads what the compiler wrote, as a bundler would."""
    page = (EXAMPLES / name / "index.html").read_text()
    known = json.dumps({"imports": {**SDK, **IMPORTS[name]}})
    loaded = re.sub(r"\./main\.tsx?", "./main.js", page)
    script = f'<script type="importmap">{known}</script>\n<div id="root">'
    (folder / "index.html").write_text(loaded.replace('<div id="root">', script))


def write_page(pages: Path, name: str, folder: Path, target: Target) -> None:
    """Write a built page into a site's folder, for a service and a key."""
    shutil.copytree(pages / name, folder, dirs_exist_ok=True)
    for path in (*folder.glob("*.html"), *folder.glob("*.js")):
        path.write_text(target.adapt(path.read_text()))
