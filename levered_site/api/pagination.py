"""Keyset pagination, newest first; cursors stay valid while rows are added."""

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
BAD_CURSOR = "is not a cursor of this list; send `next_cursor` of a page unchanged"


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The last row of a page: the sort field, its value, the primary key."""

    order: str
    sort_time: datetime
    key: Any


class KeysetPagination(BasePagination):
    """Read `limit`, `order_by` and `cursor`; take the plural name from the view."""

    list_name = "items"
    order_fields: Sequence[str] = ORDER_FIELDS  # the first is the default
    parameters: Sequence[str] = ("limit", "order_by", "cursor")

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: object = None,
    ) -> list[Any]:
        """Return the rows of one page.

        Raises:
            InvalidParametersError: `limit`, `order_by` or `cursor` is invalid.
        """
        assert isinstance(queryset, QuerySet), "keyset pagination needs a queryset"
        self.list_name = getattr(view, "list_name", self.list_name)
        limit = read_limit(request)
        order = read_order(request, self.order_fields)
        ordered = _order_rows(queryset, order)
        text = request.query_params.get("cursor")
        if text:
            last = decode_cursor(text, order, queryset.model)
            ordered = ordered.filter(
                Q(sort_time__lt=last.sort_time)
                | Q(sort_time=last.sort_time, pk__lt=last.key)
            )
        rows = list(ordered[: limit + 1])
        self.next_cursor = (
            encode_cursor(order, rows[limit - 1]) if len(rows) > limit else None
        )
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows under their plural name, with `next_cursor`."""
        return Response({self.list_name: data, "next_cursor": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the OpenAPI schema of a page."""
        return {
            "type": "object",
            "required": [self.list_name, "next_cursor"],
            "properties": {
                self.list_name: schema,
                "next_cursor": {"type": ["string", "null"]},
            },
        }

    def get_schema_operation_parameters(self, _view: Any) -> list[dict[str, Any]]:
        """Return the OpenAPI description of the query parameters."""
        described = [
            _describe_parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
                | {"default": DEFAULT_LIMIT},
                "The maximum number of rows.",
            ),
            _describe_parameter(
                "order_by",
                {
                    "type": "string",
                    "enum": list(self.order_fields),
                    "default": self.order_fields[0],
                },
                "The time that sorts the rows, newest first.",
            ),
            _describe_parameter(
                "cursor",
                {"type": "string"},
                "`next_cursor` of the previous page. A row that changes between two "
                "pages may appear twice or not at all.",
            ),
        ]
        return [row for row in described if row["name"] in self.parameters]


class CreationPagination(KeysetPagination):
    """Pages of rows that never change: by their creation, without `order_by`."""

    order_fields = ("created_at",)
    parameters = ("limit", "cursor")


def _describe_parameter(
    name: str, schema: dict[str, Any], description: str
) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def read_limit(
    request: Request, default: int = DEFAULT_LIMIT, maximum: int = MAX_LIMIT
) -> int:
    """Read `limit`, 1 to `maximum`.

    Raises:
        InvalidParametersError: it is not a whole number in that range.
    """
    text = request.query_params.get("limit", str(default))
    if (
        not (text.isascii() and text.isdecimal() and len(text) < 6)
        or not 1 <= int(text) <= maximum
    ):
        message = f"must be a whole number from 1 to {maximum}"
        raise InvalidParametersError.for_field("limit", message)
    return int(text)


def read_order(request: Request, order_fields: Sequence[str] = ORDER_FIELDS) -> str:
    """Read `order_by`, by default the first of the fields.

    Raises:
        InvalidParametersError: it is not one of the fields.
    """
    order = request.query_params.get("order_by", order_fields[0])
    if order not in order_fields:
        raise InvalidParametersError.for_field(
            "order_by", f"must be one of {', '.join(order_fields)}"
        )
    return order


def _order_rows(queryset: QuerySet[Any], order: str) -> QuerySet[Any]:
    # Before its first change a row may have no `updated_at`; its creation time counts.
    field = queryset.model._meta.get_field(order)
    sort_time = Coalesce(order, "created_at") if field.null else F(order)
    annotated: QuerySet[Any] = queryset.annotate(sort_time=sort_time)
    return annotated.order_by("-sort_time", "-pk")


def encode_cursor(order: str, row: Any) -> str:
    """Return the cursor of the page after `row`."""
    payload = [order, row.sort_time.isoformat(), str(row.pk)]
    return base64.urlsafe_b64encode(orjson.dumps(payload)).decode().rstrip("=")


def decode_cursor(text: str, order: str, model: type[Model]) -> PageCursor:
    """Parse a cursor.

    Raises:
        InvalidParametersError: `encode_cursor` did not make it for this order.
    """
    bad_cursor = functools.partial(
        InvalidParametersError.for_field, "cursor", BAD_CURSOR
    )
    try:
        padded = text + "=" * (-len(text) % 4)
        payload = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not _is_cursor_payload(payload, order):
            raise bad_cursor()
        _, time_text, key_text = payload
        sort_time = datetime.fromisoformat(time_text)
        key = model._meta.pk.to_python(key_text)
    except (ValueError, binascii.Error, ValidationError) as error:
        raise bad_cursor() from error
    if timezone.is_naive(sort_time) or "\0" in key_text:
        raise bad_cursor()
    return PageCursor(order, sort_time, key)


def _is_cursor_payload(payload: object, order: str) -> bool:
    return (
        isinstance(payload, Sequence)
        and len(payload) == 3
        and all(isinstance(part, str) for part in payload)
        and payload[0] == order
    )
