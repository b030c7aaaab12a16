"""Slots: a slot is `{name}` in a .sql template, replaced by trusted SQL."""

import re
from collections.abc import Mapping


def fill_slots(text: str, slots: Mapping[str, str]) -> str:
    """Replace every slot of `text` by its SQL.

    One pass: what looks like a slot inside the SQL stays, since it may be part of a
    customer's query. Raises KeyError for a slot without SQL.
    """
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], text)
