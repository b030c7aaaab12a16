"""The error of a failed query, and how its message stays free of secrets."""

import re
from collections.abc import Iterable
from typing import Self

from levered_site.errors import WarehouseError

MAX_MESSAGE_LENGTH = 2000  # characters
MIN_LENGTH_WITHIN_WORDS = 4  # characters of a secret


class QueryFailedError(WarehouseError):
    """The warehouse was reached and rejected the query; the message is the warehouse's."""

    @staticmethod
    def for_timeout(seconds: float) -> "QueryStoppedError":
        """Say that the query was stopped after `seconds`."""
        return QueryStoppedError(
            f"The query took longer than {seconds:.0f} s and was stopped."
        )

    @classmethod
    def for_row_limit(cls, max_rows: int) -> Self:
        """Say that the query returned more than `max_rows` rows."""
        return cls(f"The result has more than {max_rows:,} rows.")

    @classmethod
    def for_size_limit(cls, max_bytes: int) -> Self:
        """Say that the query returned more than `max_bytes` bytes."""
        return cls(
            f"The result is larger than {max_bytes:,} bytes: "
            "select fewer columns or rows."
        )


class QueryStoppedError(QueryFailedError):
    """The query met a limit of time, memory or disk while it ran."""


def redact_secrets(message: str, secrets: Iterable[object]) -> str:
    """Return the message, cut to 2,000 characters, with `***` in place of each secret.

    A short secret is replaced where it stands alone: within words it is there by chance,
    and a message full of gaps would spell it.
    """
    texts = {str(secret) for secret in secrets if secret}
    if texts:
        message = _compile_secrets(texts).sub("***", message)
    return message[:MAX_MESSAGE_LENGTH]


def _compile_secrets(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of all secrets, the longest first."""
    return re.compile(
        "|".join(
            re.escape(text)
            if len(text) >= MIN_LENGTH_WITHIN_WORDS
            else rf"(?<!\w){re.escape(text)}(?!\w)"
            for text in sorted(texts, key=len, reverse=True)
        )
    )
