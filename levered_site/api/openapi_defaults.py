"""Where the OpenAPI document states defaults, so that generated clients read them right.

In a body a property with a default may be left out; in an answer it is always there.
openapi-typescript tells these apart by the path of a schema: outside `requestBody` it
requires each property that has a default. Schemas of bodies are components, because
other generators name their types after components. So the name of each has to say
what its path does not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
BODY_SUFFIX = "_requestBody"


def state_defaults(schema: Schema, stated: Mapping[str, Any], direction: str) -> None:
    """State the defaults of a serializer's body; require what has one in its answer.

    `stated` are those that apply elsewhere than in the serializer.
    """
    properties = schema.get("properties", {})
    if direction == "request":
        for name, default in stated.items():
            properties[name]["default"] = default
        return
    filled = {name for name, each in properties.items() if "default" in each}
    for name in filled:
        del properties[name]["default"]
    if filled:
        schema["required"] = sorted({*schema.get("required", ()), *filled})


def name_body_schemas(document: Schema) -> Schema:
    """Return the document with names for the schemas of bodies that say what they are."""
    schemas = document["components"]["schemas"]
    bodies = [
        operation["requestBody"]
        for path in document["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    names = {
        name: name.removesuffix("Request").removesuffix("Body") + BODY_SUFFIX
        for name in list_references(bodies, schemas)
    }
    renamed: Schema = _replace_references(document, names)
    renamed["components"]["schemas"] = {
        names.get(name, name): schema
        for name, schema in renamed["components"]["schemas"].items()
    }
    return renamed


def list_references(node: Any, schemas: Mapping[str, Any]) -> set[str]:
    """Return the names of the components that a part of the document refers to."""
    found: set[str] = set()
    pending = [node]
    while pending:
        new = {*_walk_references(pending.pop())} - found
        found |= new
        pending += [schemas[name] for name in new]
    return found


def _walk_references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _walk_references(item)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(REFERENCE):
            yield reference.removeprefix(REFERENCE)
        for value in node.values():
            yield from _walk_references(value)


def _replace_references(node: Any, names: Mapping[str, str]) -> Any:
    """Return a copy: views keep what they declare, and may be asked again."""
    if isinstance(node, list):
        return [_replace_references(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _replace_references(value, names) for key, value in node.items()}
    reference = str(node.get("$ref", ""))
    name = reference.removeprefix(REFERENCE)
    if reference.startswith(REFERENCE) and name in names:
        copy["$ref"] = f"{REFERENCE}{names[name]}"
    return copy
