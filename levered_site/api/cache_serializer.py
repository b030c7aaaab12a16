"""Values of the cache as JSON: who writes to Redis must not run code here."""

from typing import Any

import orjson


class JsonSerializer:
    """Serializer of Django's Redis cache, in place of pickle.

    Texts, numbers, booleans, lists and dictionaries with text keys keep their types.
    """

    def dumps(self, value: object) -> int | bytes:
        """Return what is stored: an integer as it is, so that Redis can add to it.

        Raises TypeError for a value that JSON would change or cannot hold.
        """
        if type(value) is int:
            return value
        data = orjson.dumps(value)
        if orjson.loads(data) != value:  # a tuple, a UUID or a datetime, for example
            raise TypeError(f"{type(value).__name__} would come back as another value.")
        return data

    def loads(self, data: bytes) -> Any:
        """Return the value; None, as for an absent one, if it is not JSON."""
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            return None
