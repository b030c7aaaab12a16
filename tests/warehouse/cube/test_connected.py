"""The cube of a connected Postgres equals the managed store's and the reference."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import orjson
import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support import reference_cube, shop, warehouse_events
from tests.support.cube_comparison import (
    DAYS,
    EXPOSURES,
    METRIC,
    REWARDS,
    SPEC,
    SPECS,
    A,
    B,
    get_only_cell,
    normalize_cube,
)
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed, postgres
from warehouse.backends.postgres import PostgresBackend
from warehouse.sql.cube import statement
from warehouse.sql.preview import postgres as postgres_preview, render
from warehouse.sql.shapes import ContextFactor, Cube, CubeSpec, RegimeSpan

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE_SQL = (
    """SELECT * FROM public.shown WHERE seen >= @start_date OR @start_date IS NULL"""
)
METRIC_SQL = "SELECT * FROM public.bought AS b WHERE b.at >= @start_date"
METRIC_MAPPING = {
    "anonymous_id": "user",
    "timestamp": "at",
    "value": "amount",
    "name": "label",
}


@pytest.fixture
def connected(second_postgres: SecondServer) -> Iterator[PostgresBackend]:
    """Return the backend of the second server with empty tables."""
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.shown, public.bought")
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
        credentials = postgres.validate_credentials(second_postgres.credentials)
        yield postgres.build_backend("org_connected", credentials)


def compute_connected_cube(
    connected: PostgresBackend,
    second: SecondServer,
    spec: CubeSpec,
    touches: Sequence[Touch],
    rewards: Sequence[Reward] = (),
    *,
    shuffled: bool = False,
) -> Cube:
    """Store a history on the second server and return its cube."""
    stored = [_shuffle_keys(touch) for touch in touches] if shuffled else touches
    second.store(spec.optimization_id, stored, rewards)
    metric = connected.validate_metric(METRIC_SQL, METRIC_MAPPING)
    source = connected.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
    return connected.compute_cube(spec, metric, source)


def _shuffle_keys(touch: Touch) -> Touch:
    """Return the touch with the variant's keys in any order, and spaces."""
    levels = list(orjson.loads(touch.variant).items())
    random.Random(touch.user).shuffle(levels)  # noqa: S311 - an order, not a secret
    return replace(
        touch, variant=orjson.dumps(dict(levels), option=orjson.OPT_INDENT_2).decode()
    )


def drop_optimization_ids(rewards: Sequence[Reward]) -> list[Reward]:
    """Return rewards as a customer's own tables have them: of no optimization."""
    return [replace(reward, optimization_id=None) for reward in rewards]


@settings(
    max_examples=36,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    SPECS,
    st.lists(EXPOSURES, max_size=14),
    st.lists(REWARDS, max_size=12).map(drop_optimization_ids),
    st.booleans(),
)
def test_both_stores_count_any_history_alike(
    connected: PostgresBackend,
    second_postgres: SecondServer,
    spec: CubeSpec,
    touches: list[Touch],
    rewards: list[Reward],
    shuffled: bool,
) -> None:
    optimization_id = str(uuid.uuid4())
    organization_id = f"org_{optimization_id}"
    spec = replace(
        spec, optimization_id=optimization_id, organization_id=organization_id
    )
    warehouse_events.store_events(organization_id, optimization_id, touches, rewards)
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.shown, public.bought")

    managed_cube = managed.build_backend(organization_id).compute_cube(spec, METRIC)
    connected_cube = compute_connected_cube(
        connected, second_postgres, spec, touches, rewards, shuffled=shuffled
    )

    assert normalize_cube(connected_cube) == normalize_cube(managed_cube)
    assert normalize_cube(connected_cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, rewards)
    )


def test_key_order_and_level_types_do_not_change_the_variant(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    keys = ('{"button":true,"headline":"a"}', '{"button":false,"headline":"a"}')
    spec = replace(
        SPEC, optimization_id=str(uuid.uuid4()), variants=((1, keys[0]), (2, keys[1]))
    )
    variant_texts = [
        '{"headline": "a", "button": true}',
        '{"button":"true",   "headline":"a"}',
        '{"headline":"a","button":false}',
        '{"headline":"a"}',
        '["a"]',
        "not json",
        "",
        r'{"headline": "\u0000"}',
    ]
    touches = [
        Touch(f"u{n}", at, text, "{}", None) for n, text in enumerate(variant_texts)
    ]

    cube = compute_connected_cube(connected, second_postgres, spec, touches)

    users = {cell.variant: cell.users for cell in cube.cells}
    assert users == {1: 2, 2: 1, 0: 5}


def test_a_context_value_of_any_shape_is_a_level_or_other_or_missing(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        optimization_id=str(uuid.uuid4()),
        contexts=(ContextFactor("age", ("1", "1.5")),),
    )
    context_texts = [
        '{"age": 1.0}',
        '{"age":"1.50"}',
        '{"age":[1]}',
        "[1]",
        "oops",
        "",
        "{}",
    ]
    touches = [
        Touch(f"u{n}", at, A, text, None) for n, text in enumerate(context_texts)
    ]

    cube = compute_connected_cube(connected, second_postgres, spec, touches)

    users = {cell.context: cell.users for cell in cube.cells}
    assert users == {0: 1, 2: 2, 3: 4}


def test_a_user_first_touched_before_the_requested_days_is_left_out(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    spec = replace(SPEC, optimization_id=str(uuid.uuid4()), days=DAYS[3:4])
    touches = [
        Touch("old", parse_moment("2026-03-01 10:00"), A, "{}", 1),
        Touch("old", parse_moment("2026-03-04 10:00"), B, "{}", 1),
        Touch("new", parse_moment("2026-03-04 10:00"), A, "{}", 1),
    ]

    cube = compute_connected_cube(connected, second_postgres, spec, touches)
    shorter_history = replace(spec, history_from=parse_moment("2026-03-03"))
    cube_of_shorter_history = compute_connected_cube(
        connected, second_postgres, shorter_history, []
    )

    assert get_only_cell(cube).users == 1
    assert sum(cell.users for cell in cube_of_shorter_history.cells) == 2


def test_the_holdout_rule_holds_for_ids_of_any_characters(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        optimization_id=str(uuid.uuid4()),
        regimes=(RegimeSpan(1, parse_moment("2026-03-01"), "80000000"),),
    )
    touches = [Touch(f"Ünï-{n}", at, B, "{}", None) for n in range(40)]

    cube = compute_connected_cube(connected, second_postgres, spec, touches)

    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, [])
    )
    assert cube.arm_mismatch_users > 0


def test_the_printed_statement_counts_alike(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        optimization_id=str(uuid.uuid4()),
        contexts=(ContextFactor("device", ("it's $1 ? @p1", "\\")),),
        excluded_users=("o'neill", "bot-*"),
    )
    users = ("o'neill", "bot-1", "ann", "$3")
    devices = ('{"device":"it\'s $1 ? @p1"}', '{"device":"\\\\"}')
    touches = [Touch(user, at, A, device, 1) for user in users for device in devices]
    cube = compute_connected_cube(connected, second_postgres, spec, touches)
    metric = connected.validate_metric(METRIC_SQL, METRIC_MAPPING)
    source = connected.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
    built = statement.build_statement(spec, metric, source, connected.dialect)

    with second_postgres.owner() as owner:
        rows = owner.execute(
            render.render_statement(built, connected.dialect)
        ).fetchall()

    assert normalize_cube(statement.decode_cube(rows, spec)) == normalize_cube(cube)
    assert sum(cell.users for cell in cube.cells) == 2


def test_a_variant_that_is_no_json_is_counted_and_fails_no_server(
    connected: PostgresBackend, second: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        optimization_id=str(uuid.uuid4()),
        contexts=(ContextFactor("age", ("1",)),),
    )
    texts = (A, "nonsense", "{", '{"a":1,}', "[1]", "", '{"a":"\\u0000"}')
    touches = [
        Touch(f"u{number}", at, text, context, None)
        for number, text in enumerate(texts)
        for context in ('{"age":1}', "no json")
    ]
    cube = compute_connected_cube(connected, second, spec, touches)
    metric = connected.validate_metric(METRIC_SQL, METRIC_MAPPING)
    source = connected.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
    built = statement.build_statement(spec, metric, source, "postgres before 16")

    with connected._open_session(10) as session:
        rows = list(session.stream_rows(built.text, built.parameters, 100))
        facts = [
            session.fetch_result(
                postgres_preview.build_source_facts(source, dialect),
                (at, at, timezone.now()),
            ).build_records()[0]
            for dialect in ("postgres", "postgres before 16")
        ]

    assert normalize_cube(statement.decode_cube(rows, spec)) == normalize_cube(cube)
    assert sum(cell.users for cell in cube.cells) == len(texts)
    assert [each["no_objects"] for each in facts] == [12, 12]


def test_the_statement_that_is_shown_sets_the_time_zone_of_its_session(
    connected: PostgresBackend,
) -> None:
    metric = connected.validate_metric(METRIC_SQL, METRIC_MAPPING)
    source = connected.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
    dialect = connected.find_dialect()
    spec = replace(SPEC, optimization_id=str(uuid.uuid4()))
    built = statement.build_statement(spec, metric, source, dialect)

    shown = render.render_script(built, dialect, is_managed=False)

    assert dialect == "postgres"
    assert shown == ("SET TIME ZONE 'UTC';\n" + render.render_statement(built, dialect))


def test_the_statement_for_older_servers_counts_alike(
    connected: PostgresBackend, second_postgres: SecondServer
) -> None:
    at = parse_moment("2026-03-02 10:00")
    spec = replace(
        SPEC,
        optimization_id=str(uuid.uuid4()),
        contexts=(ContextFactor("age", ("1",)),),
    )
    touches = [Touch(f"u{n}", at, (A, B)[n % 2], '{"age":1}', None) for n in range(9)]
    cube = compute_connected_cube(connected, second_postgres, spec, touches)
    metric = connected.validate_metric(METRIC_SQL, METRIC_MAPPING)
    source = connected.validate_source(SOURCE_SQL, shop.SOURCE["column_mapping"])
    built = statement.build_statement(spec, metric, source, "postgres before 16")

    with connected._open_session(10) as session:
        rows = list(session.stream_rows(built.text, built.parameters, 100))

    assert normalize_cube(statement.decode_cube(rows, spec)) == normalize_cube(cube)
