"""A proxy before the service that counts requests and breaks some of them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Headers = tuple[tuple[str, str], ...]

KEPT_HEADERS = (
    *("content-type", "etag", "levered-signature", "retry-after"),
    *("access-control-allow-origin", "access-control-expose-headers"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request: an answer of the proxy's own, or none in time.

    With `is_passed_on` the service gets the request, and its answer is lost. With
    `is_answered` it only takes some seconds more.
    """

    status: int = 0
    body: bytes = b""
    headers: Headers = ()
    seconds: float = 0.0
    is_passed_on: bool = False
    is_answered: bool = False


@dataclass
class ChaosProxy:
    """The proxy's address, the requests that it saw, and the faults of the next ones."""

    target: str
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    # One for each of the next requests, in order; the last one is for all that follow.
    faults: list[Fault | None] = field(default_factory=list)
    # What is put in the place of a text in the service's bodies and headers.
    replacements: list[tuple[bytes, bytes]] = field(default_factory=list)

    def forge(self, content: bytes) -> bytes:
        """Make the replacements in what the service answered."""
        for old, new in self.replacements:
            content = content.replace(old, new)
        return content

    def note_request(self, method: str, path: str) -> Fault | None:
        """Count a request and return its fault; None passes it on."""
        self.requests.append((method, path))
        self.times.append(time.monotonic())
        if len(self.faults) > 1:
            return self.faults.pop(0)
        return self.faults[0] if self.faults else None


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection by the proxy's faults, or by the service."""

    def __init__(
        self, proxy: ChaosProxy, stopped: threading.Event, *arguments: Any
    ) -> None:
        self._proxy = proxy
        self._stopped = stopped
        super().__init__(*arguments)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._proxy.note_request(self.command, self.path)
        if fault is not None and fault.is_answered:
            self._stopped.wait(fault.seconds)
        if fault is None or fault.is_answered:
            self._write(*self._pass_on(body))
            return
        if fault.is_passed_on:
            self._pass_on(body)
        self._stopped.wait(fault.seconds)
        if fault.status:
            self._write(fault.status, fault.headers, fault.body)

    def do_POST(self) -> None:
        self.do_GET()

    def _pass_on(self, body: bytes) -> tuple[int, Headers, bytes]:
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {"host", "connection", "accept-encoding"}
        }
        response = httpx.request(
            self.command,
            self._proxy.target + self.path,
            content=body,
            headers={**headers, "Accept-Encoding": "identity"},
            timeout=60,
        )
        forge = self._proxy.forge
        kept = tuple(
            (name, forge(response.headers[name].encode()).decode())
            for name in KEPT_HEADERS
            if name in response.headers
        )
        return response.status_code, kept, forge(response.content)

    def _write(self, status: int, headers: Headers, content: bytes) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Bear clients that leave."""
        with suppress(ConnectionError):
            super().handle()


@contextmanager
def run_proxy(target: str) -> Iterator[ChaosProxy]:
    """Run a proxy before the service at an address."""
    proxy = ChaosProxy(target)
    stopped = threading.Event()
    handler = partial(_Handler, proxy, stopped)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        yield proxy
        stopped.set()
        server.shutdown()
        thread.join()
