"""Write what is generated of the package; `make openapi` runs it.

`schemas.py` has the types of the API's documents, from docs/openapi.yaml.
`management_async` has the asynchronous resources, from the synchronous ones: a method
awaits every call of the API but `iterate`, whose rows are awaited one by one. With
`--check` nothing is written, and the exit code is 1 if something is out of date.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

try:
    import yaml
except ModuleNotFoundError as error:
    raise SystemExit(
        f"generate.py needs the module {error.name}, which {sys.executable} does not "
        "have: run `make openapi`, which makes the environment first."
    ) from error

Schema = Mapping[str, Any]

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.yaml"
SOURCES = HERE / "src" / "levered"
ASYNC = SOURCES / "management_async"
SCHEMAS = SOURCES / "schemas.py"
RESOURCES = (
    *("optimizations", "results", "models", "warehouse", "api_keys", "resources"),
)
REFERENCE = "#/components/schemas/"
# How the document's names of what stands in bodies end, and ours.
BODY_SUFFIX = ("_requestBody", "Request")
# Beside the fields of a resource, and of every error; callers see neither.
LEFT_OUT = {"Envelope", "Meta", "ErrorBody"}
PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
NOTE = "\n\nWritten by generate.py; do not change it by hand.\n"
METHOD = re.compile(
    r"^    def (?!__init__)\w+\(.*?(?=^    (?:def|@)|^\w|\Z)", re.MULTILINE | re.DOTALL
)
# Other methods of a resource that ask the API.
OWN = r"self\.(?=start_training\(|wait_for\(|run\()"
REPLACED = (
    (r"^class (\w+):", r"class Async\1:"),
    (r"\bIterator\b", "AsyncIterator"),
    (r"import Api\b", "import AsyncApi"),
    (
        r"from levered\.management\.(?!api import|calls)",
        "from levered.management_async.",
    ),
    (r"(?<=^from levered.management_async.)(\w+) import (\w+)", r"\1 import Async\2"),
    (r"(?<= import AsyncAccount, )(\w+)", r"Async\1"),
    (r"(?<= import AsyncMetrics, )(\w+)", r"Async\1"),
    (r" = (?=[A-Z]\w+\(api\)$)", " = Async"),
    (r"api: Api\b", "api: AsyncApi"),
)
HEADER = '''"""The documents of the API, as its OpenAPI document describes them.

Written by generate.py; do not change it by hand.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''


def generate_schemas() -> str:
    """Return the module, formatted."""
    schemas = yaml.safe_load(DOCUMENT.read_text())["components"]["schemas"]
    classes = [
        _write_class(_name_class(name), schema)
        for name, schema in sorted(schemas.items())
        if name not in LEFT_OUT and schema.get("properties")
    ]
    return _format("\n\n".join([HEADER, *classes]) + "\n", SCHEMAS)


def _name_class(component: str) -> str:
    return component.replace(*BODY_SUFFIX)


def _write_class(name: str, schema: Schema) -> str:
    description = " ".join(str(schema.get("description") or name).split())
    description = description.replace("\\", "\\\\").replace('"""', "'''")
    required = set(schema.get("required", ()))
    lines = [f"class {name}(TypedDict):", *_write_docstring(description)]
    for field, of in schema["properties"].items():
        kind = _write_type(of)
        lines.append(
            f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}"
        )
    return "\n".join(lines)


def _write_docstring(text: str) -> Iterator[str]:
    first, dot, rest = text.partition(". ")
    yield f'    """{first}{"." if dot and rest else ""}'
    if rest:
        yield ""
        yield f"    {rest}"
    yield '    """'
    yield ""


def _write_type(schema: Schema) -> str:
    kind = _write_plain_type(schema)
    is_nullable = schema.get("nullable") and kind != "Any"
    return f"{kind} | None" if is_nullable else kind


def _write_plain_type(schema: Schema) -> str:
    if "$ref" in schema:
        return _name_class(schema["$ref"].removeprefix(REFERENCE))
    for many in ("oneOf", "anyOf", "allOf"):
        if many in schema:
            return _write_union(schema[many])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return _write_union([{**schema, "type": kind} for kind in kinds])
    if "enum" in schema and kinds != "null":
        values = [value for value in schema["enum"] if value is not None]
        return f"Literal[{', '.join(map(repr, values))}]"
    return _write_container(schema) or PLAIN.get(str(kinds), "Any")


def _write_container(schema: Schema) -> str:
    """Return the type of a list or an object; empty for anything else."""
    if schema.get("type") == "array":
        return f"list[{_write_type(schema.get('items') or {})}]"
    if schema.get("type") != "object":
        return ""
    each = schema.get("additionalProperties")
    is_typed = isinstance(each, dict) and not schema.get("properties")
    return f"dict[str, {_write_type(each or {}) if is_typed else 'Any'}]"


def _write_union(schemas: list[Schema]) -> str:
    kinds = dict.fromkeys(_write_type(each) for each in schemas)
    return "Any" if "Any" in kinds else " | ".join(kinds)


def generate_resource(name: str) -> str:
    """Return the asynchronous module of a resource, formatted."""
    source = (SOURCES / "management" / f"{name}.py").read_text()
    text = METHOD.sub(_make_async, source)
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    first = text.index('"""', 3)
    target = ASYNC / f"{name}.py"
    return _format(text[:first] + NOTE + text[first:], target)


def _make_async(match: re.Match[str]) -> str:
    text = match.group()
    if "self._api.iterate" in text:
        return text
    text = re.sub(rf"{OWN}|self\._api\.", lambda call: f"await {call.group()}", text)
    return text.replace("    def ", "    async def ", 1)


def _format(text: str, target: Path) -> str:
    ruff = Path(sys.executable).parent / "ruff"
    for command in (["check", "--fix", "--quiet"], ["format"]):
        done = subprocess.run(
            [ruff, *command, "--stdin-filename", target, "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=HERE.parents[1],
        )
        text = done.stdout
    return text


def main() -> int:
    """Write all modules, or compare them; return the exit code."""
    generated = {SCHEMAS: generate_schemas()} | {
        ASYNC / f"{name}.py": generate_resource(name) for name in RESOURCES
    }
    if "--check" in sys.argv:
        return int(any(path.read_text() != text for path, text in generated.items()))
    for path, text in generated.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
