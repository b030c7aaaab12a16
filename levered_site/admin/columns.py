"""How a method of a staff page becomes a column or a field: its title, order and marks."""

from collections.abc import Callable
from typing import Any, TypeVar

from levered_site.admin import html

ColumnMethod = TypeVar("ColumnMethod", bound=Callable[..., Any])


def declare_column(
    title: str, *, order: str = "", pills: bool = False, boolean: bool = False
) -> Callable[[ColumnMethod], ColumnMethod]:
    """Declare a column: sortable by the field `order`, its text as a coloured mark."""

    def declare(method: ColumnMethod) -> ColumnMethod:
        known = vars(method)
        known["short_description"] = title
        if order:
            known["admin_order_field"] = order
        if pills:
            known["label"] = html.STATUS_COLORS
        if boolean:
            known["boolean"] = True
        return method

    return declare
