"""The decorator that turns a method of an admin page into a column or a field."""

from collections.abc import Callable
from typing import Any, TypeVar

from levered_site.admin import html

ColumnMethod = TypeVar("ColumnMethod", bound=Callable[..., Any])


def declare_column(
    title: str, *, order: str = "", pills: bool = False, boolean: bool = False
) -> Callable[[ColumnMethod], ColumnMethod]:
    """Title a column; sort it by the field `order`, or show it as a pill or an icon."""

    def declare(method: ColumnMethod) -> ColumnMethod:
        attributes = vars(method)
        attributes["short_description"] = title
        if order:
            attributes["admin_order_field"] = order
        if pills:
            attributes["label"] = html.STATUS_COLORS
        if boolean:
            attributes["boolean"] = True
        return method

    return declare
