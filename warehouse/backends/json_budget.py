"""A limit on the size of JSON values in memory: 3 bytes of text may become 100."""

import json
from dataclasses import dataclass
from typing import Any

ITEM_BYTES = 32  # one item for so many bytes that an answer may have
ITEM_MARKS = ("[", "{", ",")


class TooManyItemsError(Exception):
    """The JSON values of one answer have too many items."""


@dataclass(slots=True)
class JsonBudget:
    """A reader of JSON that counts the items of everything that it has read."""

    items_left: int = 0

    def start(self, max_bytes: int) -> None:
        """Start counting the items of an answer of at most `max_bytes`."""
        self.items_left = max_bytes // ITEM_BYTES

    def loads(self, data: str | bytes) -> Any:
        """Return the value of a JSON text. Raises TooManyItemsError before it is built."""
        text = data.decode() if isinstance(data, bytes) else data
        self.items_left -= sum(text.count(mark) for mark in ITEM_MARKS)
        if self.items_left < 0:
            raise TooManyItemsError
        return json.loads(text)
