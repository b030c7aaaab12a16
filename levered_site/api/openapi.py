"""The OpenAPI document: drf-spectacular's, plus plain views and the API conventions."""

import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular import plumbing
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from levered_site.api import (
    openapi_components,
    openapi_csv,
    openapi_dataclasses,
    openapi_defaults,
    openapi_examples,
    openapi_operations,
    openapi_responses,
)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
OperationSpec = Mapping[str, Any]

# drf-spectacular has no types.
_generator: Any = SchemaGenerator
_component: Any = ResolvedComponent

_building = threading.RLock()
READ_ONLY_MARK = "x-read-only"
COMPONENTS_MARK = "x-components"
HTTP_METHODS = ("get", "post", "put", "patch", "delete")
PERFORMING_METHODS = {
    "create": "perform_create",
    "partial_update": "perform_update",
    "destroy": "perform_destroy",
}


class EnvelopeSchema(AutoSchema):
    """Describe a view by its serializers per action, list name and authentication."""

    # drf-spectacular registers an extension when its class is made.
    dataclass_extension = openapi_dataclasses.DataclassExtension

    def get_request_serializer(self) -> Any:
        """Return the serializer that the view declares for the body of this action."""
        prefixes = {"create": "create", "partial_update": "update"}
        prefix = prefixes.get(getattr(self.view, "action", ""), "")
        serializer = getattr(self.view, f"{prefix}_serializer_class", None)
        return serializer or super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        """Return the serializer of a row for lists."""
        serializer = getattr(self.view, "list_serializer_class", None)
        if serializer and getattr(self.view, "action", "") == "list":
            return serializer
        return super().get_response_serializers()

    def get_operation_id(self) -> str:
        """Return the id that the table of operations gives."""
        name = openapi_operations.name_operation(self.method, self.path)
        return str(name["operationId"])

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's has no arguments
        """Return the docstring of the action, or of what a general action performs."""
        action = getattr(self.view, "action", "")
        performing = PERFORMING_METHODS.get(action, "")
        if action not in vars(type(self.view)) and hasattr(self.view, performing):
            return str(plumbing.get_doc(getattr(type(self.view), performing)))
        return str(super().get_description())

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """State defaults in bodies, those that apply elsewhere included."""
        schema: dict[str, Any] = super()._map_basic_serializer(  # type: ignore[no-untyped-call]  # drf-spectacular has no types
            serializer, direction
        )
        stated = getattr(serializer, "stated_defaults", {})
        openapi_defaults.state_defaults(schema, stated, direction)
        return schema

    def _get_paginator(self) -> Any:
        paginator = getattr(self.view, "pagination_class", None)
        paginator = paginator() if paginator else None
        if paginator is not None and hasattr(self.view, "list_name"):
            paginator.list_name = self.view.list_name
        return paginator

    def get_extensions(self) -> dict[str, Any]:
        """Mark a POST that creates nothing, and rows of CSV, for `complete_document`."""
        read_only = getattr(self.view, "read_only_actions", ())
        is_read_only = getattr(self.view, "action", "") in read_only
        marks: dict[str, Any] = {READ_ONLY_MARK: True} if is_read_only else {}
        list_csv_sections = getattr(self.view, "list_csv_sections", None)
        sections = list_csv_sections() if list_csv_sections else ()
        return marks | ({openapi_csv.CSV_MARK: sections} if sections else {})

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Collect the security schemes that the authentication classes declare.

        Schemes of API keys are left out where a permission accepts no key.
        """
        requirements: list[dict[str, list[str]]] = []
        accepts_keys = all(
            getattr(permission, "accepts_keys", _accept_keys)(self.view)
            for permission in self.view.get_permissions()
        )
        for authenticator in self.view.get_authenticators():
            schemes = dict(getattr(authenticator, "schemes", {}))
            if accepts_keys:
                schemes |= getattr(authenticator, "key_schemes", {})
            for name, scheme in schemes.items():
                component = _component(
                    name=name,
                    type=ResolvedComponent.SECURITY_SCHEMA,
                    object=f"scheme {name}",
                    schema=scheme,
                )
                self.registry.register_on_missing(component)
                requirements.append({name: []})
        return requirements


def _accept_keys(_view: object) -> bool:
    return True


def build_document() -> dict[str, Any]:
    """Return the OpenAPI document of every route. Built once per process.

    Who asks meanwhile waits: drf-spectacular cannot build two at once.
    """
    with _building:
        return _build_once()


@functools.cache
def _build_once() -> dict[str, Any]:
    return generate_document()


def generate_document() -> dict[str, Any]:
    """Generate the OpenAPI document, which takes a second."""
    document: dict[str, Any] = _generator().get_schema(request=None, public=True)
    return document


def describe_operations(**operations: OperationSpec) -> Callable[[Endpoint], Endpoint]:
    """Decorate a plain view with its operations: `(post={"summary": …, …})`.

    Each operation is an OpenAPI object; this module adds its id, summary and tag, path
    parameters and errors. Put it above `json_view`. `"security": []` marks a public
    endpoint, and `COMPONENTS_MARK` holds the schemas that the operation refers to.
    """

    def mark(view: Endpoint) -> Endpoint:
        vars(view)["openapi"] = operations
        return view

    return mark


def walk_routes(
    resolver: URLResolver | None = None, prefix: str = "/"
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each path of the URLconf, as `/api/v2/models/{pk}`, with its view."""
    for entry in (resolver or get_resolver()).url_patterns:
        part = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from walk_routes(entry, prefix + part)
        elif isinstance(entry, URLPattern):
            yield prefix + part, entry.callback


def complete_document(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Add plain views, the envelope and the errors to drf-spectacular's document."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(openapi_components.COMPONENTS)
    for path, view in walk_routes():
        for method, described in getattr(view, "openapi", {}).items():
            operation = dict(described)
            schemas.update(operation.pop(COMPONENTS_MARK, {}))
            path_item = result["paths"].setdefault(path.replace("{pk}", "{id}"), {})
            path_item[method] = operation
    components["responses"] = openapi_responses.describe_error_responses()
    components["headers"] = openapi_responses.HEADERS | openapi_csv.HEADERS
    for path, operations in result["paths"].items():
        for method in HTTP_METHODS:
            if method in operations:
                _complete_operation(path, method, operations)
    result["paths"] = dict(sorted(result["paths"].items()))
    openapi_components.describe_root(result, openapi_operations.TAGS)
    openapi_components.simplify_schemas(result)
    document = openapi_defaults.name_body_schemas(result)
    named = document["components"]["schemas"]
    document["components"]["schemas"] = dict(sorted(named.items()))
    return document


def _complete_operation(path: str, method: str, operations: dict[str, Any]) -> None:
    naming = openapi_operations.name_operation(method, path)
    operation = operations[method] = {**naming, **operations[method], **naming}
    names = re.findall(r"{(\w+)}", path)
    parameters = operation.setdefault("parameters", [])
    described = {(parameter["in"], parameter["name"]) for parameter in parameters}
    conventional = [openapi_components.describe_path_parameter(name) for name in names]
    is_read_only = operation.pop(READ_ONLY_MARK, False)
    csv_sections = operation.pop(openapi_csv.CSV_MARK, ())
    conventional += openapi_components.list_request_headers(
        method, operation, has_get="get" in operations, creates=not is_read_only
    )
    parameters += [
        parameter
        for parameter in conventional
        if (parameter["in"], parameter["name"]) not in described
    ]
    for code, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            has_meta = not content.pop("x-without-meta", False)
            if code.startswith("2") and media_type == "application/json" and has_meta:
                content["schema"] = _wrap_in_envelope(content["schema"])
        if code[0] in "45":
            response.setdefault("content", openapi_components.ERROR_CONTENT)
    for code in openapi_responses.list_error_codes(
        method, operation, has_path_parameters=bool(names)
    ):
        name, _ = openapi_components.ERROR_RESPONSES[code]
        reference = {"$ref": f"#/components/responses/{name}"}
        operation["responses"].setdefault(code, reference)
    openapi_responses.add_headers(operation)
    openapi_examples.add_examples(operation)
    openapi_csv.add_csv(operation, csv_sections)


def _wrap_in_envelope(schema: dict[str, Any]) -> dict[str, Any]:
    return {"allOf": [schema, {"$ref": "#/components/schemas/Envelope"}]}
