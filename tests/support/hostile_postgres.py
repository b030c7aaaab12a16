"""A server that speaks the Postgres protocol and breaks it, as a customer's could."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

Answer = Callable[[socket.socket], None]
PARSED_AND_BOUND = b"1\x00\x00\x00\x042\x00\x00\x00\x04"
NO_DATA = b"n\x00\x00\x00\x04"
DRIP_SECONDS = 0.2

# Codes that blame the server, and those that blame the statement.
NO_BLAME = (
    *(b"ZZ999", b"XX000", b"58030", b"53100", b"00000", b"57014", b"57P01", b"08006"),
    *(b"40001", b"40P01", b"25P02", b"25000", b"55P03", b"26000", b"34000", b"HV000"),
)
BLAME = (
    *(b"42601", b"22012", b"P0001", b"53400", b"0A000", b"21000", b"23514", b"2F005"),
    *(b"25006", b"3F000", b"38000", b"39000", b"54000", b"55000"),
)


def build_message(kind: bytes, content: bytes = b"") -> bytes:
    """Return one message of the protocol."""
    return kind + struct.pack(">I", len(content) + 4) + content


READY = build_message(b"Z", b"T")
GREETING = (
    build_message(b"R", struct.pack(">I", 0))
    + build_message(b"S", b"server_version\x0018.0\x00")
    + build_message(b"S", b"client_encoding\x00UTF8\x00")
    + build_message(b"S", b"standard_conforming_strings\x00on\x00")
    + build_message(b"Z", b"I")
)
ONE_TEXT_COLUMN = build_message(
    b"T", struct.pack(">H", 1) + b"a\x00" + struct.pack(">IHIhih", 0, 0, 25, -1, -1, 0)
)
DONE = build_message(b"C", b"SELECT 1\x00") + READY


def declare_cursor(client: socket.socket) -> None:
    """Answer as an honest server does to DECLARE CURSOR."""
    done = build_message(b"C", b"DECLARE CURSOR\x00")
    client.sendall(PARSED_AND_BOUND + NO_DATA + done + READY)


def deny_columns(client: socket.socket) -> None:
    """Answer to the description of a cursor that it has no columns.

    Rows that come for it afterwards crash psycopg's C code.
    """
    client.sendall(NO_DATA + READY)


def send_many_columns(client: socket.socket) -> None:
    """Answer FETCH with rows of a thousand columns."""
    column = b"a\x00" + struct.pack(">IHIhih", 0, 0, 25, -1, -1, 0)
    columns = build_message(b"T", struct.pack(">H", 1000) + column * 1000)
    value = struct.pack(">I", 1) + b"x"
    row = build_message(b"D", struct.pack(">H", 1000) + value * 1000)
    client.sendall(columns + row * 50 + DONE)


def send_rows_without_columns(client: socket.socket) -> None:
    """Answer NoData to Describe, then send rows."""
    row = build_message(b"D", struct.pack(">HI", 1, 1) + b"x")
    client.sendall(PARSED_AND_BOUND + NO_DATA + row * 3 + DONE)


def send_a_huge_row(client: socket.socket) -> None:
    """Send one row of 1.5 GB."""
    size = 1_500_000_000
    client.sendall(PARSED_AND_BOUND + ONE_TEXT_COLUMN)
    client.sendall(b"D" + struct.pack(">IHI", size + 10, 1, size))
    block = b"x" * 2**20
    for _ in range(size // len(block)):
        client.sendall(block)


def send_a_list_of_many(client: socket.socket) -> None:
    """Send one JSON row of 100,000 items."""
    column = b"a\x00" + struct.pack(">IHIhih", 0, 0, 114, -1, -1, 0)
    columns = build_message(b"T", struct.pack(">H", 1) + column)
    content = b"[" + b"1," * 99_999 + b"1]"
    row = build_message(b"D", struct.pack(">HI", 1, len(content)) + content)
    client.sendall(PARSED_AND_BOUND + columns + row + DONE)


def send_endless_rows(client: socket.socket) -> None:
    """Send rows without an end."""
    client.sendall(PARSED_AND_BOUND + ONE_TEXT_COLUMN)
    rows = build_message(b"D", struct.pack(">HI", 1, 1000) + b"x" * 1000) * 1000
    while True:
        client.sendall(rows)


def send_byte_by_byte(client: socket.socket) -> None:
    """Send a row so slowly that it never ends: no wait for a byte is long."""
    client.sendall(PARSED_AND_BOUND + ONE_TEXT_COLUMN)
    client.sendall(b"D" + struct.pack(">IHI", 10_010, 1, 10_000))
    for _ in range(10_000):
        client.sendall(b"x")
        time.sleep(DRIP_SECONDS)


def send_another_row(client: socket.socket) -> None:
    """Answer any statement with one row of a column that nobody asked for."""
    column = b"a\x00" + struct.pack(">IHIhih", 0, 0, 16, -1, -1, 0)
    columns = build_message(b"T", struct.pack(">H", 1) + column)
    row = build_message(b"D", struct.pack(">HI", 1, 1) + b"t")
    client.sendall(PARSED_AND_BOUND + columns + row + DONE)


def send_no_row(client: socket.socket) -> None:
    """Answer any statement with neither columns nor rows."""
    client.sendall(READY)


def send_nonsense(client: socket.socket) -> None:
    """Answer any statement with a message of a kind that there is not."""
    client.sendall(PARSED_AND_BOUND + b"?" + struct.pack(">I", 4) + DONE)


def send_settings(client: socket.socket) -> None:
    """Answer as an honest server does to the statement that applies settings."""
    row = build_message(b"D", struct.pack(">HI", 1, 1) + b"x")
    client.sendall(PARSED_AND_BOUND + ONE_TEXT_COLUMN + row + DONE)


@contextmanager
def run_hostile_server(*answers: Answer) -> Iterator[dict[str, Any]]:
    """Run a server that answers statements with these, in turn; the last one repeats.

    Yields the credentials that a customer would send.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept_clients, args=(listener, answers))
        thread.start()
        try:
            yield {
                "host": "127.0.0.1",
                "port": listener.getsockname()[1],
                "database": "x",
                "username": "x",
                "password": "unused",
                "sslmode": "disable",
            }
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _accept_clients(listener: socket.socket, answers: tuple[Answer, ...]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError, ConnectionError):
                _serve_client(client, list(answers))


def _serve_client(client: socket.socket, answers: list[Answer]) -> None:
    (length,) = struct.unpack(">I", _receive(client, 4))
    _receive(client, length - 4)
    client.sendall(GREETING)
    while True:
        kind = _receive(client, 1)
        (length,) = struct.unpack(">I", _receive(client, 4))
        content = _receive(client, length - 4)
        if kind == b"Q" and b"FETCH" not in content:
            client.sendall(build_message(b"C", b"BEGIN\x00") + READY)
        elif kind in {b"Q", b"S"}:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            answer(client)
        elif kind == b"X":
            return


def _receive(client: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = client.recv(size - len(content))
        if not part:
            raise ConnectionError
        content += part
    return content


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A column and its value as a server sends it: the type's number, then the bytes."""

    name: str
    oid: int
    data: bytes


def send_values(*values: TypedValue) -> Answer:
    """Return an answer to any statement: one row of these columns."""
    content = PARSED_AND_BOUND + _build_columns(values) + _build_row(values) + DONE
    return lambda client: client.sendall(content)


def fetch_values(*values: TypedValue) -> tuple[Answer, Answer, Answer]:
    """Return the answers to a cursor's declaration, description and FETCH: one row."""
    columns = _build_columns(values)
    described, fetched = columns + READY, columns + _build_row(values) + DONE
    return (
        declare_cursor,
        lambda client: client.sendall(described),
        lambda client: client.sendall(fetched),
    )


def _build_columns(values: Sequence[TypedValue]) -> bytes:
    columns = b"".join(
        value.name.encode()
        + b"\x00"
        + struct.pack(">IHIhih", 0, 0, value.oid, -1, -1, 0)
        for value in values
    )
    return build_message(b"T", struct.pack(">H", len(values)) + columns)


def _build_row(values: Sequence[TypedValue]) -> bytes:
    row = b"".join(struct.pack(">I", len(value.data)) + value.data for value in values)
    return build_message(b"D", struct.pack(">H", len(values)) + row)


def fail_with(state: bytes, message: bytes = b"no") -> Answer:
    """Return an answer to any statement: an error of this code and message."""
    parts = (b"SERROR", b"VERROR", b"C" + state, b"M" + message)
    error = build_message(b"E", b"\x00".join(parts) + b"\x00\x00")

    def send(client: socket.socket) -> None:
        client.sendall(error + READY)

    return send
