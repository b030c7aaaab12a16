"""A request head that comes again on a connection: equal bytes need no second parsing."""

import re
from typing import NamedTuple

HEAD_END = b"\r\n\r\n"
LENGTH_LINE = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)(?=\r\n)", re.IGNORECASE)
MAX_HEAD_BYTES = 2048  # each connection keeps one
MAX_LENGTH_DIGITS = 6


class RepeatedHead(NamedTuple):
    """The bytes of a head before and after the digits of its Content-Length."""

    before_length: bytes
    after_length: bytes

    def find_body(self, data: bytes) -> bytes | None:
        """Return the body if `data` is one whole request with this head; else None.

        The digits may be others, so that bodies may have other lengths.
        """
        if not data.startswith(self.before_length):
            return None
        start = len(self.before_length)
        end = data.find(b"\r", start, start + MAX_LENGTH_DIGITS + 1)
        digits = data[start:end]
        if end < 0 or not digits.isdigit() or not data.startswith(self[1], end):
            return None
        body = data[end + len(self.after_length) :]
        return body if len(body) == int(digits) else None


def find_repeatable_head(data: bytes) -> RepeatedHead | None:
    """Return the head if `data` is one whole request, which the parser found valid.

    None for a long head, and where the length of the body is written unusually.
    """
    end = data.find(HEAD_END, 0, MAX_HEAD_BYTES)
    length = LENGTH_LINE.search(data, 0, end + 2)
    if end < 0 or length is None:
        return None
    head_size = end + len(HEAD_END)
    if len(data) != head_size + int(length[1]):
        return None
    return RepeatedHead(data[: length.start(1)], data[length.end(1) : head_size])
