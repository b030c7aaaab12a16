"""How a method of a staff page becomes a column or a field: its title, order and marks."""

from collections.abc import Callable
from typing import Any, TypeVar

from levered_site.admin import html

Column = TypeVar("Column", bound=Callable[..., Any])


def column(
    title: str, *, order: str = "", pills: bool = False, boolean: bool = False
) -> Callable[[Column], Column]:
    """Declare a column: sortable by the field `order`, its text as a coloured mark."""

    def declare(method: Column) -> Column:
        known = vars(method)
        known["short_description"] = title
        if order:
            known["admin_order_field"] = order
        if pills:
            known["label"] = html.COLOURS
        if boolean:
            known["boolean"] = True
        return method

    return declare
