"""The requests of a load: one text with a number in it, so that each can be unique."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

NUMBER = "{number}"
DIGITS = 9


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """The text of a request, in which NUMBER stands for the digits of a number.

    Each request has the next number, from `first` on; with a `modulo` they begin again
    at 0 after so many. The digits are written backwards, so that ids which begin with
    them fall all over an index, as those of real users do.
    """

    text: str
    first: int = 0
    modulo: int = 0

    def generate(self) -> Iterator[bytes]:
        """Return the endless stream of requests."""
        parts = self.text.encode().split(NUMBER.encode())
        if len(parts) == 1:
            return itertools.repeat(parts[0])
        numbers: Iterator[int] = itertools.count(self.first)
        if self.modulo:
            numbers = (number % self.modulo for number in itertools.count(self.first))
        return ((b"%09d" % number)[::-1].join(parts) for number in numbers)


def build_template(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    first: int = 0,
    modulo: int = 0,
) -> RequestTemplate:
    """Return the template of a request that keeps the connection open.

    `body` is written as JSON; NUMBER in its texts becomes the number of the request.
    """
    text = "" if body is None else orjson.dumps(body).decode()
    padding = text.count(NUMBER) * (DIGITS - len(NUMBER))
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(text.encode()) + padding}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return RequestTemplate("\r\n".join(lines) + "\r\n\r\n" + text, first, modulo)
