"""Endpoints on loopback that answer as Snowflake or BigQuery does, or not at all."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[Any], object]
HANG_SECONDS = 120
ROW_SCHEMA = {"fields": [{"name": "n", "type": "INTEGER", "mode": "NULLABLE"}]}


@dataclass
class Endpoint:
    """A running endpoint, and the requests that it got: method and path with body."""

    url: str
    requests: list[tuple[str, Any]] = field(default_factory=list)
    is_closing: threading.Event = field(default_factory=threading.Event)
    is_hanging: bool = False

    def count(self, fragment: str) -> int:
        """Return how many requests have this in their method and path."""
        return sum(fragment in path for path, _ in self.requests)

    def hang(self, _body: object) -> object:
        """Answer nothing until the endpoint closes."""
        self.is_hanging = True
        self.is_closing.wait(HANG_SECONDS)
        return {}


@contextmanager
def run_endpoint(
    build_answers: Callable[[Endpoint], Mapping[str, Answer]],
) -> Iterator[Endpoint]:
    """Serve HTTP; the answer of the first key that a method and path contain is sent."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                content = gzip.decompress(content)
            with suppress(ValueError):
                content = json.loads(content)
            path = f"{self.command} {self.path}"
            endpoint.requests.append((path, content))
            found = (answers[key] for key in answers if key in path)
            document = json.dumps(next(found)(content)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(document)

        do_GET = do_POST = answer  # noqa: N815 - named by http.server

        def log_message(self, *_arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            """A client that was killed is no error of the server."""

    with Server(("127.0.0.1", 0), Handler) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}")
        answers = build_answers(endpoint)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.is_closing.set()
            server.shutdown()
            thread.join()


@contextmanager
def run_silent_server() -> Iterator[int]:
    """Accept connections and never send a byte; yield the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener:
        yield listener.getsockname()[1]


def find_closed_port() -> int:
    """Return a port where connections are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def accept_login(_body: object) -> object:
    """Answer a login as Snowflake does."""
    data = {"token": "t", "masterToken": "m", "parameters": [], "sessionInfo": {}}
    return {"data": data, "success": True}


def refuse_login(_body: object) -> object:
    """Answer a wrong password as Snowflake does."""
    return {
        "data": {},
        "code": "390100",
        "message": "Incorrect username or password was specified.",
        "success": False,
    }


def succeed(_body: object) -> object:
    """Answer a request of Snowflake's that returns nothing."""
    return {"data": {}, "success": True}


def give_token(_body: object) -> object:
    """Answer a request for a token as Google does."""
    return {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}


def start_job(body: Any) -> object:
    """Answer a new job of BigQuery: priced if it is a dry run, running otherwise."""
    is_dry = bool(body["configuration"].get("dryRun"))
    query = {"statementType": "SELECT", "totalBytesProcessed": "100"}
    return {
        "jobReference": {"projectId": "p", "jobId": "j", "location": "EU"},
        "configuration": body["configuration"],
        "status": {"state": "DONE" if is_dry else "RUNNING"},
        "statistics": {"query": query, "totalBytesProcessed": "100"},
    }


def finish_job(_body: object) -> object:
    """Answer a question for a job's state: it is done."""
    return {
        "jobReference": {"projectId": "p", "jobId": "j", "location": "EU"},
        "configuration": {"query": {"query": "SELECT 1", "destinationTable": None}},
        "status": {"state": "DONE"},
        "statistics": {"query": {"statementType": "SELECT"}},
    }


def give_rows(_body: object) -> object:
    """Answer a question for a job's rows: there is one, the number 7."""
    return {
        "jobReference": {"projectId": "p", "jobId": "j", "location": "EU"},
        "schema": ROW_SCHEMA,
        "rows": [{"f": [{"v": "7"}]}],
        "totalRows": "1",
        "jobComplete": True,
    }
