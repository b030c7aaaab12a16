"""The error for SQL that is refused before it runs."""


class RefusedError(Exception):
    """A query that will not be run; `reason` is a sentence for its author."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
