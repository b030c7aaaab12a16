"""Answer requests with the code of one checkout, as told on standard input.

`__main__` starts it in each checkout. Commands come as JSON, one a line; each is answered
by one line of JSON. So the checkouts can take turns on one database.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.test import Client

from benchmarks.results import world
from benchmarks.results.world import WorldSize
from levered_site.organizations import members, tokens

JsonDocument = dict[str, Any]


class Session:
    """The commands, and the HTTP client behind them."""

    def __init__(self) -> None:
        self.client = Client()
        self.headers: dict[str, str] = {}

    def build(self, **size: Any) -> JsonDocument:
        """Build the world in an empty database."""
        return world.build_world(WorldSize(**size))

    def migrate(self) -> JsonDocument:
        """Migrate a database that another checkout built, and log in."""
        call_command("migrate", verbosity=0)
        token = tokens.issue_token(world.ORGANIZATION, "member", user_id="user_bench")
        members.upsert_member(tokens.verify_token(token))
        self.headers = {"Authorization": f"Bearer {token}"}
        return {}

    def read(self, path: str, *, compressed: bool = False) -> JsonDocument:
        """Time one GET in this process, from the URL to the bytes of the body."""
        headers = self.headers | ({"Accept-Encoding": "gzip"} if compressed else {})
        cpu, wall = time.process_time(), time.perf_counter()
        response = self.client.get(f"/api/v2{path}", headers=headers)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert response.status_code == 200, (path, response.content[:500])
        return {"seconds": wall, "cpu": cpu, "bytes": len(response.content)}

    def show(self, path: str) -> JsonDocument:
        """Return the document of one GET; pages become one, and `meta` is left out."""
        document = self._fetch_document(path)
        cursor = document.get("next_cursor")
        while "rows" in document and cursor:
            page = self._fetch_document(f"{path}?limit=1000&cursor={cursor}")
            document["rows"] += page["rows"]
            cursor = page["next_cursor"]
        for name in ("meta", "next_cursor"):
            document.pop(name, None)
        return document

    def _fetch_document(self, path: str) -> JsonDocument:
        response = self.client.get(f"/api/v2{path}", headers=self.headers)
        assert response.status_code == 200, (path, response.content[:500])
        document: JsonDocument = json.loads(response.content)
        return document


def run_session() -> None:
    """Answer commands until standard input ends."""
    session = Session()
    commands: dict[str, Callable[..., JsonDocument]] = {
        "build": session.build,
        "migrate": session.migrate,
        "read": session.read,
        "show": session.show,
    }
    for line in sys.stdin:
        arguments = json.loads(line)
        answer = commands[arguments.pop("command")](**arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
