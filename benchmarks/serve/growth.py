"""What grows with use: memory over many users, the cost of a serve over stored rows."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from tqdm import tqdm

from benchmarks.local_service import UNLIMITED, LocalService, run_service
from benchmarks.serve import loads, rounds, world
from benchmarks.serve.loads import Measured
from benchmarks.serve.rounds import Load, Round, take_medians

MEMORY_STEPS = 10
MEMORY_ROUND_SECONDS = 5.0
FEWEST_STORED = 10_000
STORED_ROUNDS = 3
ROWS_PER_STATEMENT = 500_000
RECEIPTS_A_DAY = 10_000
MEGABYTE = 2**20
# Users as a service that ran for long has them: one assignment each, of this variant.
INSERT_ASSIGNMENTS = """
INSERT INTO assignments (optimization_id, anonymous_id, variant_number, in_holdout,
                         policy_version, propensity, decided_at, decision_id)
SELECT %s, reverse(lpad(n::text, 9, '0')) || '-stored', 1 + n %% 4, false, 1, 0.25,
       now() - interval '1 day', -1 - n
FROM generate_series(%s::bigint, %s::bigint) AS n
"""
# Those that were written by hand have negative decision ids.
DELETE_SERVED = """
DELETE FROM assignments WHERE optimization_id = %s AND decision_id >= 0
"""
SELECT_PARTITIONS = """
SELECT one, remainder FROM unnest(%s::uuid[]) AS one, generate_series(0, 15) AS remainder
WHERE satisfies_hash_partition('assignments'::regclass, 16, remainder, one)
"""
# Of more rows than these, a round adds too few to matter.
MOST_RESTORED = 1_000_000

SELECT_PAST_DAYS = """
SELECT (now() AT TIME ZONE 'UTC')::date - age FROM generate_series(1, %s) AS age
"""
CREATE_DAY = """
CREATE TABLE IF NOT EXISTS {} PARTITION OF decisions FOR VALUES FROM ({}) TO ({})
"""
INSERT_RECEIPTS = """
INSERT INTO decisions (id, organization_id, optimization_id, anonymous_id,
                       variant_number, variant, context, in_holdout, policy_version,
                       propensity, decided_at)
SELECT n, 'org_demo', %s, 'past-' || n, 1 + n %% 4, '{}', '{}', false, 1, 0.25, %s
FROM generate_series(1, %s) AS n
"""


def print_memory(settings: Mapping[str, str], users: int) -> None:
    """Print the memory of the web workers while so many users are served first."""
    with run_service({**UNLIMITED, **settings}) as service:
        measured = Measured("ours", world.build_world(service))
        load = loads.build_first_serves(measured)
        print(f"{'users':>10}{'MB per web worker':>30}")
        served, number = 0, 0
        with tqdm(total=users, unit=" users", disable=None) as bar:
            for step in range(1, MEMORY_STEPS + 1):
                while served < users * step / MEMORY_STEPS:
                    number += 1
                    count = _serve_for_a_while(load, number)
                    served += count
                    bar.update(count)
                bar.write(f"{served:>10,}{_format_memory(service):>30}")


def _serve_for_a_while(load: Load, number: int) -> int:
    is_wrk = rounds.has_wrk()
    one = rounds.run_round(load, number, seconds=MEMORY_ROUND_SECONDS, is_wrk=is_wrk)
    return round(one.rate * MEMORY_ROUND_SECONDS)


def _format_memory(service: LocalService) -> str:
    sizes = [one.memory_full_info().uss for one in service.list_web_workers()]
    return "  ".join(f"{size / MEGABYTE:,.1f}" for size in sizes)


def print_stored(settings: Mapping[str, str], most: int, seconds: float) -> None:
    """Print the cost of a serve beside the number of assignments that are stored.

    One service holds an optimization for each number, and their rounds take turns: its
    age, its other tables and the machine are the same for all of them.
    """
    sizes = list(_iterate_sizes(most))
    with run_service({**UNLIMITED, **settings}) as service:
        whole = world.build_world(service, optimizations=4 * len(sizes))
        places = [
            Measured("ours", replace(whole, optimization_ids=[one]))
            for one in _choose_apart(whole)[: len(sizes)]
        ]
        for place, size in zip(places, sizes, strict=True):
            _insert_assignments(place, size)
        _measure_stored(places, sizes, seconds)


def _iterate_sizes(most: int) -> Iterator[int]:
    size = FEWEST_STORED
    while size <= most:
        yield size
        size *= 10


def _choose_apart(whole: world.World) -> list[str]:
    """Return one of the optimizations of each partition of the assignments."""
    with psycopg.connect(whole.service.database_url) as database:
        rows = database.execute(SELECT_PARTITIONS, [whole.optimization_ids]).fetchall()
    return list({partition: str(one) for one, partition in rows}.values())


def _measure_stored(
    places: Sequence[Measured], sizes: Sequence[int], seconds: float
) -> None:
    pairs = [
        (
            loads.build_first_serves(place),
            loads.build_stored_users(place, "-stored", size),
        )
        for place, size in zip(places, sizes, strict=True)
    ]
    measured: list[list[list[Round]]] = [[[], []] for _ in sizes]
    for number in tqdm(range(1 + STORED_ROUNDS), desc="rounds", disable=None):
        for place, size, pair, kept in zip(places, sizes, pairs, measured, strict=True):
            for load, results in zip(pair, kept, strict=True):
                one = rounds.run_round(
                    load, number, seconds=seconds, is_wrk=rounds.has_wrk()
                )
                results.append(one)
            if size < MOST_RESTORED:
                _delete_served(place)
    print(f"{'stored':>12}{'first serves':>28}{'users not in memory':>28}")
    for size, kept in zip(sizes, measured, strict=True):
        first, forgotten = (take_medians(results[1:]) for results in kept)
        print(f"{size:>12,}{_format(first):>28}{_format(forgotten):>28}")
    print("each: decisions a second, microseconds of CPU per decision")


def _delete_served(place: Measured) -> None:
    """Remove the assignments that a round added, so that as many are stored as before."""
    url = place.world.service.database_url
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(DELETE_SERVED, [place.world.optimization_id])
        database.execute("VACUUM assignments")


def print_partitions(settings: Mapping[str, str], days: int, seconds: float) -> None:
    """Print the cost of a serve before and after so many days of receipts."""
    with run_service({**UNLIMITED, **settings}) as service:
        measured = Measured("ours", world.build_world(service))
        first = loads.build_first_serves(measured)
        rounds.run_round(first, 0, seconds=seconds, is_wrk=rounds.has_wrk())
        print(f"{'days of receipts':>18}{'first serves':>28}")
        print(f"{'as started':>18}{_format(_run_rounds(first, 1, seconds)):>28}")
        _insert_receipts(measured, days)
        again = _run_rounds(first, 2 + STORED_ROUNDS, seconds)
        print(f"{days:>18,}{_format(again):>28}")


def _insert_receipts(measured: Measured, days: int) -> None:
    """Create the partitions of past days and write receipts into each."""
    with psycopg.connect(
        measured.world.service.database_url, autocommit=True
    ) as database:
        past_days = database.execute(SELECT_PAST_DAYS, [days]).fetchall()
        for (day,) in tqdm(past_days, desc="days", disable=None):
            statement = sql.SQL(CREATE_DAY).format(
                sql.Identifier(f"decisions_{day:%Y%m%d}"),
                sql.Literal(f"{day} 00:00:00+00"),
                sql.Literal(f"{day + timedelta(days=1)} 00:00:00+00"),
            )
            database.execute(statement)
            database.execute(
                INSERT_RECEIPTS,
                [measured.world.optimization_id, f"{day} 12:00:00+00", RECEIPTS_A_DAY],
            )
        _settle(database, "decisions")


def _settle(database: psycopg.Connection[TupleRow], table: str) -> None:
    """Leave nothing of a bulk insert to be done while a serve is measured."""
    database.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
    database.execute("CHECKPOINT")


def _run_rounds(load: Load, first_number: int, seconds: float) -> Round:
    """Return the medians of STORED_ROUNDS rounds after one to warm up."""
    measured = [
        rounds.run_round(
            load, first_number + number, seconds=seconds, is_wrk=rounds.has_wrk()
        )
        for number in range(1 + STORED_ROUNDS)
    ]
    return take_medians(measured[1:])


def _format(one: Round) -> str:
    return f"{one.rate:,.0f} /s  {one.cpu_us:,.0f} us"


def _insert_assignments(measured: Measured, size: int) -> None:
    optimization_id = uuid.UUID(measured.world.optimization_id)
    url = measured.world.service.database_url
    with psycopg.connect(url, autocommit=True) as database:
        for start in tqdm(
            range(0, size, ROWS_PER_STATEMENT), desc="rows", disable=None
        ):
            last = min(start + ROWS_PER_STATEMENT, size)
            database.execute(INSERT_ASSIGNMENTS, [optimization_id, start, last - 1])
        _settle(database, "assignments")
