"""On the managed store the text that runs returns what the text that was written does."""

import uuid

import pytest
from django.db import connection

from tests.support import equality, warehouse_events
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed
from warehouse.sql.customer import check

pytestmark = pytest.mark.django_db(transaction=True)

START_DATE = "CAST('2026-03-01 00:00+00' AS timestamptz)"
PROPERTIES = """UPDATE managed_rewards SET properties =
'{"plan": "pro", "buy": 1, "cart": {"total": "5.5"}, "items": [{"sku": "k"}, {"sku": "l"}]}'
WHERE name = 'buy'"""


def store_events(organization: str) -> None:
    """Store exposures and rewards of three users, one of them without a reward."""
    optimization = str(uuid.uuid4())
    users = [f"{organization}-{number}" for number in range(3)]
    touches = [
        Touch(user, parse_moment(f"2026-03-0{day} 10:00"), '{"headline": "a"}', "{}", 1)
        for day, user in enumerate(users, start=1)
    ]
    rewards = [
        Reward(user, parse_moment(f"2026-03-0{day} 12:00"), value=value, name=name)
        for user in users[:2]
        for day, value, name in ((2, 1.5, "view"), (4, 20, "buy"))
    ]
    warehouse_events.store_events(organization, optimization, touches, rewards)
    with connection.cursor() as cursor:
        cursor.execute(PROPERTIES)


def fill_in(text: str) -> str:
    """Return a checked text with its parameters written out."""
    return (
        text.replace("CAST($2 AS TIMESTAMPTZ)", START_DATE)
        .replace("CAST($3 AS UUID)", "CAST(NULL AS UUID)")
        .replace("CAST($4 AS TIMESTAMPTZ)", "CAST('infinity' AS timestamptz)")
        .replace("$1", "'org_a'")
    )


def test_both_texts_return_the_same() -> None:
    for organization in ("org_a", "org_b"):
        store_events(organization)
    statements = equality.read_statements("managed_statements.sql")

    for sql in statements:
        in_order = "\nORDER BY" in sql
        regenerated = fill_in(check.check_query(sql).text)
        with managed.build_backend("org_a")._open_cursor(seconds=10) as cursor:
            written = sql.replace("@start_date", START_DATE)
            expected = equality.run_statement(cursor, written, in_order=in_order)
            actual = equality.run_statement(cursor, regenerated, in_order=in_order)

        assert actual == expected, sql
        assert expected.rows, sql
    assert len(statements) > 20
