"""Lists in pages: newest first, from a cursor that holds its place while rows come."""

import base64
import binascii
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.errors import InvalidParametersError

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
ORDER_FIELDS = ("updated_at", "created_at")
BAD_CURSOR = "is not a cursor of this list; take `next_cursor` of an answer as it is"


@dataclass(frozen=True, slots=True)
class PageCursor:
    """Where a page ended: the last row's moment and id."""

    order: str
    moment: datetime
    key: Any


class KeysetPagination(BasePagination):
    """`limit`, `order_by`, `cursor`; the list's plural name comes from the view."""

    list_name = "items"

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: object = None,
    ) -> list[Any]:
        """Take one page.

        Raises:
            InvalidParametersError: a bad limit, order or cursor, by name.
        """
        assert isinstance(queryset, QuerySet), "a keyset needs a query"
        self.list_name = getattr(view, "list_name", self.list_name)
        limit = read_limit(request)
        order = read_order(request)
        ordered = _order_rows(queryset, order)
        text = request.query_params.get("cursor")
        if text:
            place = decode_cursor(text, order, queryset.model)
            ordered = ordered.filter(
                Q(sort_moment__lt=place.moment)
                | Q(sort_moment=place.moment, pk__lt=place.key)
            )
        rows = list(ordered[: limit + 1])
        self.next_cursor = (
            encode_cursor(order, rows[limit - 1]) if len(rows) > limit else None
        )
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        """Put the rows under their plural name."""
        return Response({self.list_name: data, "next_cursor": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page for OpenAPI."""
        return {
            "type": "object",
            "required": [self.list_name, "next_cursor"],
            "properties": {
                self.list_name: schema,
                "next_cursor": {"type": "string", "nullable": True},
            },
        }

    def get_schema_operation_parameters(self, _view: Any) -> list[dict[str, Any]]:
        """Describe the three parameters for OpenAPI."""
        return [
            _describe_parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
                | {"default": DEFAULT_LIMIT},
                "How many rows at most.",
            ),
            _describe_parameter(
                "order_by",
                {
                    "type": "string",
                    "enum": list(ORDER_FIELDS),
                    "default": ORDER_FIELDS[0],
                },
                "Newest first by this moment.",
            ),
            _describe_parameter(
                "cursor",
                {"type": "string"},
                "`next_cursor` of the page before. A row changed between two pages "
                "may come twice or not at all.",
            ),
        ]


def _describe_parameter(
    name: str, schema: dict[str, Any], description: str
) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def read_limit(request: Request) -> int:
    """Read `limit`, 1 to 100.

    Raises:
        InvalidParametersError: it is something else.
    """
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if (
        not (text.isascii() and text.isdecimal() and len(text) < 6)
        or not 1 <= int(text) <= MAX_LIMIT
    ):
        message = f"must be a whole number from 1 to {MAX_LIMIT}"
        raise InvalidParametersError.for_field("limit", message)
    return int(text)


def read_order(request: Request) -> str:
    """Read `order_by`.

    Raises:
        InvalidParametersError: it is neither of the two.
    """
    order = request.query_params.get("order_by", ORDER_FIELDS[0])
    if order not in ORDER_FIELDS:
        raise InvalidParametersError.for_field(
            "order_by", f"must be one of {', '.join(ORDER_FIELDS)}"
        )
    return order


def _order_rows(queryset: QuerySet[Any], order: str) -> QuerySet[Any]:
    # A resource never changed has no `updated_at`: its creation is its newest state.
    field = queryset.model._meta.get_field(order)  # noqa: SLF001 - Django's documented API
    moment = Coalesce(order, "created_at") if field.null else F(order)
    placed: QuerySet[Any] = queryset.annotate(sort_moment=moment)
    return placed.order_by("-sort_moment", "-pk")


def encode_cursor(order: str, row: Any) -> str:
    """Write the place after `row`."""
    place = [order, row.sort_moment.isoformat(), str(row.pk)]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def decode_cursor(text: str, order: str, model: type[Model]) -> PageCursor:
    """Read a place.

    Raises:
        InvalidParametersError: it was not made by `encode` for this order.
    """
    refuse = functools.partial(InvalidParametersError.for_field, "cursor", BAD_CURSOR)
    try:
        padded = text + "=" * (-len(text) % 4)
        written = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not _is_cursor_payload(written, order):
            raise refuse()
        moment = datetime.fromisoformat(written[1])
        key = model._meta.pk.to_python(written[2])  # noqa: SLF001 - Django's documented API
    except (ValueError, binascii.Error, ValidationError) as error:
        raise refuse() from error
    if timezone.is_naive(moment) or "\0" in written[2]:
        raise refuse()
    return PageCursor(order, moment, key)


def _is_cursor_payload(written: object, order: str) -> bool:
    return (
        isinstance(written, Sequence)
        and len(written) == 3
        and all(isinstance(part, str) for part in written)
        and written[0] == order
    )
