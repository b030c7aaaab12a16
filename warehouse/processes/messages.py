"""Messages between a process and its child: pickles with their length in front."""

import os
import pickle
import select
import struct
import time
from typing import Any

HEADER = struct.Struct(">Q")
READ_BYTES = 1 << 20


class BrokenMessageError(Exception):
    """The other side ended, or sent a message that is too large or cannot be read."""


class DeadlineError(Exception):
    """The other side sent no whole message in time; `seconds` says how much that was."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def write_message(descriptor: int, message: object) -> None:
    """Write one message. Raises BrokenMessageError if nobody reads it any more."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    rest = memoryview(HEADER.pack(len(content)) + content)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise BrokenMessageError from error


def read_message(descriptor: int, deadline: float | None, max_bytes: int) -> Any:
    """Read one message until `deadline`, a reading of the monotonic clock; None waits.

    Raises DeadlineError, and BrokenMessageError if the other side ended or the message is
    larger than `max_bytes`.
    """
    (length,) = HEADER.unpack(_read_exactly(descriptor, HEADER.size, deadline))
    if length > max_bytes:
        raise BrokenMessageError
    content = _read_exactly(descriptor, length, deadline)
    try:
        return pickle.loads(content)  # noqa: S301 - from our own child or parent
    except Exception as error:
        raise BrokenMessageError from error


def _read_exactly(descriptor: int, length: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        if deadline is not None:
            _wait_until_readable(descriptor, deadline)
        try:
            part = os.read(descriptor, min(length - len(parts), READ_BYTES))
        except OSError as error:
            raise BrokenMessageError from error
        if not part:
            raise BrokenMessageError
        parts += part
    return bytes(parts)


def _wait_until_readable(descriptor: int, deadline: float) -> None:
    poll = select.poll()  # select() knows no descriptor above 1,023
    poll.register(descriptor, select.POLLIN)
    milliseconds = max(0, round((deadline - time.monotonic()) * 1000))
    if not poll.poll(milliseconds):
        raise DeadlineError
