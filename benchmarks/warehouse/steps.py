"""Steps of the measurement; `one_step` runs each in a process of its own."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.warehouse import history
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from metrics.models import Metric
from optimizations.configuration import lifecycle
from optimizations.cube import specification
from optimizations.cube.refresh import refresh_cube
from optimizations.models import Optimization
from warehouse import closed_days, partitions
from warehouse.backends import managed
from warehouse.models import ManagedReward
from warehouse.sql.customer import check

ORGANIZATION = "org_bench"
SQL = """SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards
WHERE name = 'purchase' AND timestamp_utc >= @start_date"""
EXPOSURES = "anonymous_id, variant, context, policy_version, timestamp_utc, created_at"
REWARDS = "anonymous_id, name, value, timestamp_utc, created_at"


class Stopwatch:
    """Measures wall-clock seconds and CPU seconds of this process."""

    def __init__(self) -> None:
        self.wall_start, self.cpu_start = time.monotonic(), time.process_time()

    def read(self) -> dict[str, float]:
        """Return the seconds since the start."""
        return {
            "seconds": time.monotonic() - self.wall_start,
            "cpu": time.process_time() - self.cpu_start,
        }


def prepare() -> dict[str, Any]:
    """Migrate the database and create the optimization."""
    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(pk=ORGANIZATION, name="bench")
    metric = Metric.objects.create(
        organization=organization,
        name="purchases",
        sql=SQL,
        column_mapping={
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "reward_type": "bool",
        },
    )
    layout = [f"v{number}" for number in range(history.VARIANTS)]
    devices = [f"d{number}" for number in range(history.CONTEXTS - 1)]
    fields = {
        "name": "bench",
        "reward_metric_id": metric.pk,
        "training_data_config": {
            "reward": {"name": "purchase", "type": "bool"},
            "design_factors": [_build_factor("layout", layout)],
            "context_factors": [_build_factor("device", devices)],
            "attribution": {
                "type": "last_touch",
                "conversion_window_hours": 24,
                "horizon_hours": 24,
            },
        },
    }
    lifecycle.create_optimization(ORGANIZATION, SYSTEM_ACTOR, fields)
    return {}


def load(
    exposures: int, users: int, rewards: int, days: int, span: str
) -> dict[str, Any]:
    """COPY the days of `span`, as "since-until", of a history of `days` days."""
    since, until = map(int, span.split("-"))
    events = history.draw_history(exposures, users, rewards, days)
    loaded_days = [_compute_day(number) for number in range(since, until + 1)]
    for table in partitions.PARTITIONED_TABLES:
        partitions.ensure_partitions(table, loaded_days)
    optimization = Optimization.objects.get()
    watch = Stopwatch()
    ids = f"{ORGANIZATION}\t{optimization.pk}\t"
    rows = 0
    for table, columns, lines in (
        ("managed_exposures", EXPOSURES, history.write_exposures(events, since, until)),
        ("managed_rewards", REWARDS, history.write_rewards(events, since, until)),
    ):
        sql = f"COPY {table} (organization_id, optimization_id, {columns}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(sql) as copy:
            for line in lines:
                copy.write(ids + line)
                rows += 1
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE managed_exposures, managed_rewards, decisions")
        cursor.execute("CHECKPOINT")
    return {**watch.read(), "rows": rows}


def fetch() -> dict[str, Any]:
    """Fetch the rows that the cube reads, unjoined, with psycopg's fetchall."""
    optimization = Optimization.objects.get()
    connection.ensure_connection()
    watch = Stopwatch()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT anonymous_id, variant, context, policy_version, timestamp_utc"
            " FROM managed_exposures WHERE organization_id = %s AND optimization_id = %s",
            [ORGANIZATION, optimization.pk],
        )
        exposures = cursor.fetchall()
        cursor.execute(
            "SELECT anonymous_id, timestamp_utc FROM managed_rewards"
            " WHERE organization_id = %s AND name = 'purchase'",
            [ORGANIZATION],
        )
        rewards = cursor.fetchall()
    return {**watch.read(), "rows": len(exposures) + len(rewards)}


def count(first: int, last: int, as_of: float) -> dict[str, Any]:
    """Count the days from `first` to `last` in the warehouse, and store nothing."""
    optimization, metric = _load_optimization()
    spec = specification.build_cube_spec(optimization, metric, _compute_moment(as_of))
    days = tuple(_compute_day(number) for number in range(first, last + 1))
    backend = managed.build_backend(ORGANIZATION)
    watch = Stopwatch()
    cube = backend.compute_cube(
        replace(spec, days=days),
        check.check_metric_query(metric.sql, metric.column_mapping),
    )
    return {
        **watch.read(),
        "cells": len(cube.cells),
        "users": sum(cell.users for cell in cube.cells),
        "rows": cube.rows_read,
    }


def refresh(as_of: float, times: int = 1) -> dict[str, Any]:
    """Refresh as training does: find late rows, count the open days, store and read.

    Runs `times` refreshes, `as_of` 86 seconds apart. Returns the median wall seconds, and
    the CPU seconds of all refreshes together.
    """
    optimization, metric = _load_optimization()
    total = Stopwatch()
    cubes, seconds = [], []
    for index in range(times):
        watch = Stopwatch()
        moment = _compute_moment(as_of + index / 1000)
        cubes.append(refresh_cube(optimization, metric, moment))
        seconds.append(watch.read()["seconds"])
    cube = cubes[-1]
    return {
        "seconds": statistics.median(seconds),
        "cpu": total.read()["cpu"],
        "times": times,
        "cells": len(cube.cells),
        "users": sum(cell.users for cell in cube.cells),
        "rows": cube.rows_read,
    }


def index_days() -> dict[str, Any]:
    """Build the indexes that closed days have; `rows` is the number of rewards."""
    watch = Stopwatch()
    closed_days.index_closed_days(timezone.now())
    return {**watch.read(), "rows": ManagedReward.objects.count()}


def _load_optimization() -> tuple[Optimization, Metric]:
    optimization = Optimization.objects.select_related("model", "reward_metric").get()
    assert optimization.reward_metric
    return optimization, optimization.reward_metric


def _build_factor(name: str, levels: list[str]) -> dict[str, Any]:
    values = [{"id": level, "value": level} for level in levels]
    return {"name": name, "dtype": "str", "levels": values}


def _compute_moment(days: float) -> datetime:
    return history.START + timedelta(days=days)


def _compute_day(number: int) -> date:
    return _compute_moment(number).date()


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    step.__name__: step for step in (prepare, load, fetch, count, refresh, index_days)
}


def _parse_value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def main() -> None:
    """Run the step named on the command line, `NAME k=v …`; print one line of JSON."""
    texts = dict(pair.split("=", 1) for pair in sys.argv[2:])
    arguments = {name: _parse_value(text) for name, text in texts.items()}
    result = STEPS[sys.argv[1]](**arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(result | {"peak_mb": peak / 1024}))
