"""Renderer of JSON, `meta` last, and the content negotiation of DRF views."""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from levered_site.api import media_types, payloads, responses

# Most values of an answer; they hold no other values.
LEAF_TYPES = frozenset({str, int, bool, type(None), date, datetime, UUID})


class EnvelopeRenderer(BaseRenderer):
    """Render the fields of a mapping or dataclass at the top level, then `meta`."""

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
        """Return the body; empty for None (204, 304).

        Raises:
            ValueError: the data hold a NaN or an infinity. A figure that cannot be
                computed must be null, with its reason beside it.
        """
        if data is None:
            return b""
        context = renderer_context or {}
        is_error = context["response"].status_code >= 400
        refuse_non_finite(data)
        organization_id = None if is_error else get_organization_id(context["request"])
        body = payloads.list_fields(data) if payloads.is_payload(data) else data
        meta = responses.build_meta(organization_id)
        return responses.to_json({**body, "meta": meta})


class EnvelopeNegotiation(BaseContentNegotiation):
    """Choose JSON, whatever `Accept` says, unless it asks for CSV where there is some."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser | None:
        """Return the parser for JSON or any `+json` type; None means a 415."""
        media_type = request.content_type.partition(";")[0].strip().lower()
        for parser in parsers:
            if media_type == parser.media_type or (
                media_type.startswith("application/") and media_type.endswith("+json")
            ):
                return parser
        return None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        _format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer, or the one of CSV if the client prefers it."""
        first, *others = renderers
        chosen = first
        if others and media_types.prefers_csv(request.headers.get("Accept", "")):
            chosen = others[0]
        return chosen, chosen.media_type or ""


def get_organization_id(request: Request) -> str | None:
    """Return the caller's organization id; None where the caller belongs to none."""
    organization_id = getattr(request.user, "organization_id", None)
    return organization_id if isinstance(organization_id, str) else None


def refuse_non_finite(value: Any) -> None:
    """Raise ValueError on a NaN or an infinity, which orjson would write as null."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if type(inner) in LEAF_TYPES:
            continue
        if isinstance(inner, float):
            if not math.isfinite(inner):
                raise ValueError(f"a response must not contain {inner}")
            continue
        values = _list_values(inner)
        if not LEAF_TYPES.issuperset(map(type, values)):
            waiting.extend(values)


def _list_values(value: Any) -> Collection[Any]:
    """Return the values that a value of a response holds; none of a text of a subclass."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if payloads.is_payload(value):
        return payloads.list_fields(value).values()
    return value.values() if isinstance(value, Mapping) else ()
