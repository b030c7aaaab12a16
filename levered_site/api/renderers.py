"""Writing answers of DRF views: fields at top level, `meta` last, always JSON."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from levered_site.api import responses


class EnvelopeRenderer(BaseRenderer):
    """Render a mapping beside `meta`."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; empty where there is no data (204, 304).

        Raises:
            ValueError: a NaN or an infinity, which a figure without support is not:
                that is null, with its reason.
        """
        if data is None:
            return b""
        context = renderer_context or {}
        failed = context["response"].status_code >= 400
        refuse_non_finite(data)
        owner = None if failed else get_organization_id(context["request"])
        return responses.to_json({**data, "meta": responses.build_meta(owner)})


class JsonContentNegotiation(BaseContentNegotiation):
    """One representation exists; `Accept` does not change it."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser | None:
        """Take JSON, whatever its suffix; None answers 415."""
        kind = request.content_type.partition(";")[0].strip().lower()
        for parser in parsers:
            if kind == parser.media_type or (
                kind.startswith("application/") and kind.endswith("+json")
            ):
                return parser
        return None

    def select_renderer(
        self,
        _request: Request,
        renderers: Iterable[BaseRenderer],
        _format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Take the first."""
        first = next(iter(renderers))
        return first, first.media_type or ""


def get_organization_id(request: Request) -> str | None:
    """Name the organization that the answer is about, where the caller belongs to one."""
    found = getattr(request.user, "organization_id", None)
    return found if isinstance(found, str) else None


def refuse_non_finite(value: Any) -> None:
    """Raise ValueError on NaN and infinities, which orjson would write as null."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} in an answer")
    elif isinstance(value, Mapping):
        for inner in value.values():
            refuse_non_finite(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            refuse_non_finite(inner)
