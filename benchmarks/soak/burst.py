"""A thousand first serves of one user at the same moment."""

import resource
from typing import Any
from uuid import UUID

import orjson
import psycopg

from benchmarks.serve.load import send_at_once
from benchmarks.serve.requests import build_template
from benchmarks.serve.world import World
from benchmarks.soak.journal import RETRYABLE

REQUESTS = 1_000
SPARE_FILES = 200
# Several, so that a limit on the connections of one address is not what is measured.
SOURCES = tuple(f"127.0.0.{number}" for number in range(1, 21))
COUNT_ROWS = """
SELECT (SELECT count(*) FROM assignments
        WHERE optimization_id = %(optimization)s AND anonymous_id = %(user)s),
       (SELECT count(*) FROM decisions
        WHERE optimization_id = %(optimization)s AND anonymous_id = %(user)s)
"""


def check_burst(world: World, user: str) -> tuple[dict[int, int], list[str]]:
    """Return the counts of the statuses, and a sentence for each violation."""
    _allow_open_files(REQUESTS + SPARE_FILES)
    request = build_template(
        "POST",
        f"/api/v2/optimizations/{world.optimization_id}/serve",
        {"anonymous_id": user, "context": {"device": "mobile"}},
    )
    result = send_at_once(
        ("127.0.0.1", world.service.port),
        next(request.generate()),
        count=REQUESTS,
        sources=SOURCES,
    )
    answers = [orjson.loads(body) for body in result.bodies]
    rows = _count_rows(world, user)
    return result.statuses, [
        *_check_statuses(result.statuses, result.failed),
        *_check_variants(answers),
        *([] if rows == (1, 1) else [f"burst: {rows} assignments and receipts"]),
    ]


def _check_statuses(statuses: dict[int, int], failed: int) -> list[str]:
    wrong = statuses.keys() - {200, *RETRYABLE}
    violations = [f"burst: {statuses[status]} answers {status}" for status in wrong]
    if failed:
        violations.append(f"burst: {failed} connections broke")
    if 200 not in statuses:
        violations.append("burst: nobody was served")
    return violations


def _check_variants(answers: list[dict[str, Any]]) -> list[str]:
    served = {
        (answer["variant_number"], answer["timestamp"])
        for answer in answers
        if "variant_number" in answer
    }
    return [] if len(served) <= 1 else [f"burst: one user got {sorted(served)}"]


def _count_rows(world: World, user: str) -> tuple[Any, ...] | None:
    values = {"optimization": UUID(world.optimization_id), "user": user}
    with psycopg.connect(world.service.database_url) as database:
        return database.execute(COUNT_ROWS, values).fetchone()


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
