"""Rows that a customer changes in place in the own warehouse: a refresh notices them."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from optimizations.cube import new_rows, refresh
from optimizations.models import CubeDay, Optimization
from tests.support import fake_snowflake, histories
from tests.support.cube_comparison import SPEC, A, B
from tests.support.factories import Api, read_body
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import launch_optimization
from tests.support.zetasql_engine import Engine
from warehouse.backends import snowflake
from warehouse.backends.query_results import DayRowCounts
from warehouse.sql.preview import engine_day_counts, render

KEY = '{"cta":false,"headline":"A"}'
OTHER_KEY = '{"cta":true,"headline":"B"}'
AMOUNTS: dict[str, Any] = {
    "sql": 'SELECT "user", at, amount FROM public.bought WHERE at >= @start_date',
    "column_mapping": {
        "anonymous_id": "user",
        "timestamp": "at",
        "value": "amount",
        "reward_type": "numeric",
    },
}
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TOUCHES = [Touch("u", AT, A, "{}", 1), Touch("v", AT + timedelta(days=1), B, "{}", 1)]
REWARDS = [
    Reward("u", AT + timedelta(hours=1), 10.0),
    Reward("v", AT + timedelta(hours=2), 20.0),
    Reward("v", AT + timedelta(days=1), 30.0),
]
CHANGES = {
    "an amount": "UPDATE {rewards} SET amount = 11 WHERE amount = 10",
    "amounts with the same sum": (
        "UPDATE {rewards} SET amount = 30 - amount WHERE amount < 25"
    ),
    "an id": "UPDATE {rewards} SET who = 'x' WHERE amount = 10",
    "a name": "UPDATE {rewards} SET label = 'x' WHERE amount = 10",
}


def launch_with_amounts(second: SecondServer) -> tuple[Api, Optimization, Metric]:
    """Launch an optimization of a connected Postgres that counts amounts."""
    alice, body = launch_optimization(second)
    metric = Metric.objects.get()
    Metric.objects.filter(pk=metric.pk).update(**AMOUNTS)
    return alice, Optimization.objects.get(pk=body["id"]), Metric.objects.get()


def sum_amounts(optimization: Optimization, metric: Metric) -> float:
    """Return the sum of the counted amounts."""
    cells = refresh.load_cube(optimization, metric).cells
    return sum(cell.value_sum for cell in cells)


@pytest.mark.django_db(transaction=True)
def test_amounts_changed_in_place_are_counted_by_the_next_refresh_which_says_so(
    second: SecondServer,
) -> None:
    alice, optimization, metric = launch_with_amounts(second)
    old = timezone.now() - timedelta(days=6)
    touches = [Touch(user, old, KEY, "{}", 0) for user in ("a", "b")]
    bought_at = old + timedelta(minutes=1)
    rewards = [Reward("a", bought_at, 10.0), Reward("b", bought_at, 20.0)]
    second.store(str(optimization.pk), touches, rewards)
    path = f"/optimizations/{optimization.pk}/results"
    before = read_body(alice.get(f"{path}?refresh=true"))
    after, amounts = before, [sum_amounts(optimization, metric)]

    for change in (
        "UPDATE public.bought SET amount = amount * 2",
        "UPDATE public.bought SET amount = 60 - amount",  # the sum stays
    ):
        with second.owner() as owner:
            owner.execute(change)
        after = read_body(alice.get(f"{path}?refresh=true"))
        amounts.append(sum_amounts(optimization, metric))
    counted_at = CubeDay.objects.get(day=old.date()).computed_at
    again = read_body(alice.get(f"{path}?refresh=true"))

    assert amounts == [30.0, 60.0, 60.0]
    assert before["notes"] == []
    (note,) = after["notes"]
    assert f"changed or deleted rows of {old:%Y-%m-%d}" in note
    assert again["notes"] == after["notes"]
    assert CubeDay.objects.get(day=old.date()).computed_at == counted_at


@pytest.mark.django_db(transaction=True)
def test_exposures_changed_in_place_are_counted_by_the_next_refresh(
    second: SecondServer,
) -> None:
    alice, body = launch_optimization(second)
    old = timezone.now() - timedelta(days=6)
    second.store(body["id"], [Touch("a", old, KEY, "{}", 0)])
    path = f"/optimizations/{body['id']}/results?refresh=true"
    before = read_body(alice.get(path))
    with second.owner() as owner:
        owner.execute("UPDATE public.shown SET variant_text = %s", [OTHER_KEY])

    after = read_body(alice.get(path))

    exposures = [
        [variant["exposures"] for variant in results["variants"]]
        for results in (before, after)
    ]
    assert exposures == [[1, 0, 0, 0], [0, 0, 0, 1]]


@pytest.mark.django_db(transaction=True)
def test_rows_changed_in_place_are_new_to_the_training(second: SecondServer) -> None:
    _, optimization, metric = launch_with_amounts(second)
    old = timezone.now() - timedelta(days=6)
    touch, reward = Touch("a", old, KEY, "{}", 0), Reward("a", old, 10.0)
    second.store(str(optimization.pk), [touch], [reward])
    refresh.count_open_days(optimization, metric, timezone.now())

    def has_new_rows() -> bool:
        now = timezone.now()
        return new_rows.has_new_rows(
            optimization,
            metric,
            now,
            last_run_ended_at=now,
            has_learned=True,
            is_whole_history=True,
        )

    before = has_new_rows()
    with second.owner() as owner:
        owner.execute("UPDATE public.bought SET amount = 5")

    assert (before, has_new_rows()) == (False, True)


def assert_only_the_rewards_of_a_day_changed(
    before: dict[date, DayRowCounts], after: dict[date, DayRowCounts]
) -> None:
    """Compare counts and hashes of the events above before and after a change."""
    changed, same = AT.date(), AT.date() + timedelta(days=1)
    assert before.keys() == after.keys() == {changed, same}
    assert after[same] == before[same]
    assert after[changed].rewards_hash != before[changed].rewards_hash
    unchanged = replace(after[changed], rewards_hash=before[changed].rewards_hash)
    assert unchanged == before[changed]


@pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_snowflake_hashes_change_with_any_reward(change: str) -> None:
    spec = replace(SPEC, optimization_id=histories.OPTIMIZATION)
    with fake_snowflake.run_fake_account() as cursor:
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        histories.fill_tables(cursor, TOUCHES, REWARDS)
        credentials = snowflake.validate_credentials(histories.SNOWFLAKE_ACCOUNT)
        backend = snowflake.build_backend("org_a", credentials)
        queries = histories.check_queries("snowflake")

        before = backend.count_rows_by_day(spec, *queries)
        again = backend.count_rows_by_day(spec, *queries)
        cursor.execute(CHANGES[change].format(rewards="rewards"))
        after = backend.count_rows_by_day(spec, *queries)

    assert again == before
    assert_only_the_rewards_of_a_day_changed(before, after)


def count_in_bigquery(rewards: list[Reward]) -> dict[date, DayRowCounts]:
    """Run the question about rows by Google's own engine."""
    engine = Engine("app", AT)
    engine.add_table(
        "exposures",
        _select_rows(
            "who, seen_at, optimization, variant, context, version",
            [
                f"'{touch.user}', TIMESTAMP '{touch.at}', '{histories.OPTIMIZATION}', "
                f"'{touch.variant}', '{touch.context}', {touch.policy_version}"
                for touch in TOUCHES
            ],
        ),
    )
    engine.add_table(
        "rewards",
        _select_rows(
            "who, earned_at, amount, label",
            [
                f"'{reward.user}', TIMESTAMP '{reward.at}', {reward.value}, "
                f"'{reward.name}'"
                for reward in rewards
            ],
        ),
    )
    metric, source = histories.check_queries("bigquery")
    until = AT + timedelta(days=5)
    start = AT - timedelta(days=5)
    statement = engine_day_counts.build_day_counts(
        metric, source, histories.OPTIMIZATION, start, until, start
    )
    result = engine.run(render.render_statement(statement, "bigquery"))
    counts = {}
    for row in result.rows:
        day, *numbers = (int(value) for value in re.findall(r"_value: (-?\d+)", row))
        counts[date(1970, 1, 1) + timedelta(days=day)] = DayRowCounts(*numbers)
    return counts


def _select_rows(names: str, rows: list[str]) -> str:
    """Write a query that returns these rows."""
    first, *others = rows
    columns = ", ".join(
        f"{value} AS {name.strip()}"
        for value, name in zip(first.split(", "), names.split(","), strict=True)
    )
    return " UNION ALL ".join(
        [f"SELECT {columns}", *(f"SELECT {row}" for row in others)]
    )


@pytest.mark.parametrize("change", ["amount", "name"])
def test_bigquery_hashes_change_with_any_reward(change: str) -> None:
    first = REWARDS[0]
    changed = {"amount": replace(first, value=11.0), "name": replace(first, name="x")}
    before = count_in_bigquery(REWARDS)
    after = count_in_bigquery([changed[change], *REWARDS[1:]])

    assert_only_the_rewards_of_a_day_changed(before, after)
