"""Touches at the same time, and ids that name nobody: one rule on every store."""

# Annotations stay text, as in tests/warehouse/sql/cube/test_bigquery.py.
from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb
import fakesnow
import pytest
from django.test import override_settings
from snowflake import connector

from tests.support import histories, reference_cube, shop, warehouse_events
from tests.support.cube_comparison import (
    BEFORE_A,
    METRIC,
    SPEC,
    A,
    B,
    C,
    normalize_cube,
)
from tests.support.reference_cube import Touch
from tests.support.second_postgres import SecondServer
from tests.support.warehouse_events import parse_moment
from tests.warehouse.sql.cube.test_bigquery import SETUP, replace_rows, translate
from warehouse.backends import managed, postgres
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.shapes import ContextFactor, Cube, CubeSpec

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # fakesnow uses its database in a way that the database warns about.
    pytest.mark.filterwarnings("ignore:Arrow output:UserWarning"),
]

STORES = ("managed", "postgres", "postgres before 16", "snowflake", "bigquery")
AT = parse_moment("2026-03-02 10:00")
MOBILE, TV = '{"device":"mobile"}', '{"device":"tv"}'
SOURCE_SQL = (
    "SELECT * FROM public.shown WHERE seen >= @start_date OR @start_date IS NULL"
)
METRIC_SQL = "SELECT * FROM public.bought AS b WHERE b.at >= @start_date"


class Stores:
    """One history on any of the stores."""

    def __init__(self, second: SecondServer) -> None:
        self.second = second

    def count(self, store: str, spec: CubeSpec, touches: Sequence[Touch]) -> Cube:
        """Store the touches and count them."""
        if store == "managed":
            return _count_managed(spec, touches)
        if store == "snowflake":
            return _count_snowflake(spec, touches)
        if store == "bigquery":
            return _count_bigquery(spec, touches)
        return self._count_postgres(spec, touches, store)

    def _count_postgres(
        self, spec: CubeSpec, touches: Sequence[Touch], dialect: str
    ) -> Cube:
        with self.second.owner() as owner:
            owner.execute("TRUNCATE public.shown, public.bought")
        self.second.store(spec.optimization_id, touches)
        with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
            credentials = postgres.validate_credentials(self.second.credentials)
            backend = postgres.build_backend("org_connected", credentials)
            mapping = {"anonymous_id": "user", "timestamp": "at"}
            metric = backend.validate_metric(METRIC_SQL, mapping)
            source = backend.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
            built = build_statement(spec, metric, source, dialect)
            with backend._open_session(10) as session:
                rows = list(session.stream_rows(built.text, built.parameters, 100))
        return decode_cube(rows, spec)


def _count_managed(spec: CubeSpec, touches: Sequence[Touch]) -> Cube:
    organization = f"org_{spec.optimization_id}"
    warehouse_events.store_events(organization, spec.optimization_id, touches)
    spec = replace(spec, organization_id=organization)
    return managed.build_backend(organization).compute_cube(spec, METRIC)


def _count_snowflake(spec: CubeSpec, touches: Sequence[Touch]) -> Cube:
    built = build_statement(spec, *histories.check_queries("snowflake"), "snowflake")
    with fakesnow.patch():
        connection = connector.connect(
            database="db",
            schema="app",
            paramstyle="qmark",
            session_parameters={"TIMEZONE": "UTC"},
        )
        cursor = connection.cursor()
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        histories.replace_rows(cursor, _build_rows(spec, touches), [])
        cursor.execute(built.text, built.parameters)
        return decode_cube(cursor.fetchall(), spec)


def _count_bigquery(spec: CubeSpec, touches: Sequence[Touch]) -> Cube:
    built = build_statement(spec, *histories.check_queries("bigquery"), "bigquery")
    named = {f"p{n}": value for n, value in enumerate(built.parameters, start=1)}
    with duckdb.connect() as database:
        database.execute(SETUP)
        replace_rows(database, _build_rows(spec, touches), [])
        return decode_cube(
            database.execute(translate(built.text), named).fetchall(), spec
        )


def _build_rows(spec: CubeSpec, touches: Sequence[Touch]) -> list[tuple[Any, ...]]:
    return [
        (
            *(touch.user, touch.at, spec.optimization_id),
            *(touch.variant, touch.context, touch.policy_version),
        )
        for touch in touches
    ]


@pytest.fixture
def stores(second_postgres: SecondServer) -> Stores:
    """Return the stores, empty."""
    return Stores(second_postgres)


@pytest.fixture
def spec() -> CubeSpec:
    """Return the spec of an optimization that no other test uses."""
    contexts = (ContextFactor("device", ("mobile", "tv")),)
    return replace(SPEC, optimization_id=str(uuid.uuid4()), contexts=contexts)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("unknown", [BEFORE_A, C, "", "no json", '["a"]', "{}"])
def test_a_tie_goes_to_the_valid_variant_not_to_the_unknown_one(
    stores: Stores, spec: CubeSpec, store: str, unknown: str
) -> None:
    touches = [
        Touch("u", AT, unknown, MOBILE, 1),
        Touch("u", AT, B, TV, 2),
        Touch("v", AT, B, MOBILE, None),
        Touch("v", AT, unknown, "", 0),
    ]

    cube = stores.count(store, spec, touches)

    counted = {(cell.variant, cell.context, cell.policy_version) for cell in cube.cells}
    assert counted == {(2, 1, 2), (2, 0, None)}
    assert cube.crossover_users == 2
    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, [])
    )


@pytest.mark.parametrize("store", STORES)
def test_valid_variants_tie_by_text_and_unknown_ones_by_context(
    stores: Stores, spec: CubeSpec, store: str
) -> None:
    touches = [
        Touch("valid", AT, B, MOBILE, 1),
        Touch("valid", AT, A, TV, 2),
        Touch("unknown", AT, '{"headline":7}', TV, 3),
        Touch("unknown", AT, '{"headline":"x"}', MOBILE, 4),
    ]

    cube = stores.count(store, spec, touches)

    counted = {(cell.variant, cell.context, cell.policy_version) for cell in cube.cells}
    assert counted == {(1, 1, 2), (0, 0, 4)}


@pytest.mark.parametrize("store", STORES)
def test_blank_ids_are_nobody_and_are_counted_by_day(
    stores: Stores, spec: CubeSpec, store: str
) -> None:
    later = parse_moment("2026-03-03 10:00")
    touches = [
        Touch("", AT, A, "{}", 1),
        Touch("", later, B, "{}", 1),
        Touch(" \t\n\f\r", AT, A, "{}", 1),
        Touch("   ", parse_moment("2026-02-28 10:00"), A, "{}", 1),
        Touch(" ann", AT, A, "{}", 1),
        Touch("ben\n", AT, A, "{}", 1),
    ]

    cube = stores.count(store, spec, touches)

    assert sum(cell.users for cell in cube.cells) == 2
    assert {day.day.day: day.blank_exposures for day in cube.days} == {2: 2, 3: 1}
    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, [])
    )
