"""Addresses of the pages of single rows, for pages that hold hundreds of them."""

from functools import cache
from typing import Final

from django.urls import reverse

KEY: Final = "key-of-the-row"


def build_row_url(route: str, key: object) -> str:
    """Return the address of a route that has one argument, the key of a row.

    The key is a number or a UUID. Django's `reverse` tries the patterns again for each of
    the 500 links on a page of a hundred variants.
    """
    before, after = _split_address(route)
    return f"{before}{key}{after}"


@cache
def _split_address(route: str) -> tuple[str, str]:
    before, _, after = reverse(route, args=[KEY]).partition(KEY)
    return before, after
