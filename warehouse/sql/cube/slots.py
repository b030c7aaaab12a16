"""Slots of a SQL template: `{name}` stands for a piece of trusted SQL."""

import re
from collections.abc import Mapping


def fill_slots(text: str, slots: Mapping[str, str]) -> str:
    """Replace every slot of `text` by its piece of SQL.

    One pass: slots inside the pieces are left alone, since a piece may hold a customer's
    query. Raises KeyError for a slot without a piece.
    """
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], text)
