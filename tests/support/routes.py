"""Every route of the URLconf, for tests of the API conventions."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from levered_site.api import openapi

# Not part of the API: pages for people, the metrics of the installation, and MCP, which
# has its own protocol and tests.
OUTSIDE_PREFIXES = ("/admin/", "/shared/", "/metrics", "/mcp", "/.well-known/")


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method."""

    path: str
    method: str
    view: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def template(self) -> str:
        """The path with unnamed parameters, to compare with the OpenAPI document."""
        return re.sub(r"{\w+}", "{}", self.path)

    @property
    def operation(self) -> str:
        """The method and the template, as the authorization matrix names it."""
        return f"{self.method} {self.template}"

    def build_unknown_path(self) -> str:
        """Return the path of a resource that does not exist."""
        return re.sub(r"{(\w+)}", lambda match: _unknown_id(match[1]), self.path)


def _unknown_id(parameter: str) -> str:
    return "1" if parameter == "number" else str(uuid.UUID(int=7))


def list_routes() -> Iterator[Route]:
    """Yield each path of the API with each of its methods."""
    for path, view in openapi.walk_routes():
        if path.startswith(OUTSIDE_PREFIXES):
            continue
        for method in _list_methods(view):
            yield Route(path, method.upper(), view)


def _list_methods(view: Any) -> list[str]:
    if hasattr(view, "actions"):
        return [method for method in view.actions if method != "head"]
    if hasattr(view, "cls"):
        return [name for name in openapi.HTTP_METHODS if hasattr(view.cls, name)]
    return list(getattr(view, "openapi", {})) or ["get"]


def is_management(route: Route) -> bool:
    """Return whether the route needs a bearer token, or a key with `read` or `write`."""
    return _list_authentications(route) == ["CallerAuthentication"]


def is_ingestion(route: Route) -> bool:
    """Return whether the route needs an API key."""
    return _list_authentications(route) == ["ApiKeyAuthentication"]


def is_open(route: Route) -> bool:
    """Return whether the route needs no credentials."""
    return _list_authentications(route) == []


def _list_authentications(route: Route) -> list[str]:
    view_class = getattr(route.view, "cls", None)
    classes = getattr(view_class, "authentication_classes", [])
    return [authentication_class.__name__ for authentication_class in classes]
