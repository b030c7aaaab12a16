"""Filling the slots of SQL text: a word in braces stands for a piece of proved SQL."""

import re
from collections.abc import Mapping


def fill_slots(text: str, slots: Mapping[str, str]) -> str:
    """Put the pieces in place; one pass, so that no piece is searched for slots.

    Raises KeyError for a slot without a piece.
    """
    return re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], text)
