"""A connected Snowflake through the API: connect, define, preview, train, results."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from models_app.models import TrainingRun
from tests.support import (
    cloud_endpoints,
    factories,
    fake_snowflake,
    histories,
    shop,
)
from tests.support.factories import read_body
from tests.support.reference_cube import Reward, Touch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The fake reads its database in a way that its database advises against.
    pytest.mark.filterwarnings("ignore:Arrow output:UserWarning"),
]

PASSWORD = histories.SNOWFLAKE_ACCOUNT["password"]
CONNECTION = {"provider": "snowflake", "credentials": histories.SNOWFLAKE_ACCOUNT}
SOURCE = {
    "name": "exposures",
    "sql": "SELECT * FROM exposures WHERE seen_at >= @start_date",
    "column_mapping": histories.EXPOSURE_COLUMNS,
}
METRIC = {
    "name": "orders",
    "sql": "SELECT who, earned_at FROM app.rewards WHERE earned_at >= @start_date",
    "column_mapping": {
        "anonymous_id": "who",
        "timestamp": "earned_at",
        "reward_type": "bool",
    },
}
VISITORS = 240


@pytest.fixture
def cursor() -> Iterator[Any]:
    """Return a cursor of a fake account's owner; the account has two empty tables."""
    with (
        fake_snowflake.run_fake_account() as cursor,
        override_settings(TRAIN_WAIT_SECONDS=0),
    ):
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        yield cursor


def store_visitors(
    cursor: Any, optimization_id: str
) -> tuple[list[Touch], list[Reward]]:
    """Store some visitors of the shop in the two tables and return their events."""
    touches, rewards = shop.simulate_history(
        optimization_id, timezone.now(), holdout_percentage=20
    )
    touches = touches[:VISITORS]
    users = {touch.user for touch in touches}
    rewards = [reward for reward in rewards if reward.user in users]
    rows = histories.exposure_rows(touches, [str])[:VISITORS]
    exposures = [(*row[:2], optimization_id, *row[3:]) for row in rows]
    histories.replace_rows(cursor, exposures, histories.reward_rows(rewards))
    return touches, rewards


def test_from_connecting_to_results_equal_to_the_managed_stores(cursor: Any) -> None:
    alice = factories.make_admin_api(factories.make_organization())

    answer = alice.post("/warehouse/connections", CONNECTION)
    tested = read_body(alice.post("/warehouse/connections/test"))
    tables = read_body(alice.get("/warehouse/tables"))["tables"]
    source = alice.post("/warehouse/assignment-sources", SOURCE)
    metric = read_body(alice.post("/warehouse/metrics", METRIC))
    optimization_body = shop.create_optimization(
        alice, metric["id"], holdout_percentage=20
    )
    touches, rewards = store_visitors(cursor, optimization_body["id"])
    preview = read_body(alice.post(f"/warehouse/metrics/{metric['id']}/preview", {}))
    unsaved = {name: METRIC[name] for name in ("sql", "column_mapping")}
    unsaved_preview = read_body(alice.post("/warehouse/preview", unsaved))
    shop.request_training(alice, optimization_body)
    run = shop.train_queued_run(optimization_body["id"])
    results = alice.get(f"/optimizations/{optimization_body['id']}/results?sql=true")
    (printed,) = read_body(results)["sql"]
    cursor.execute(printed["statement"])
    cells = [row for row in cursor.fetchall() if row[0] == "cell"]

    assert (answer.status_code, source.status_code) == (201, 201)
    assert PASSWORD not in answer.content.decode()
    assert tested["success"] is True
    assert ("APP", "EXPOSURES") in {
        (table["schema"], table["name"]) for table in tables
    }
    assert (preview["match_rate"], unsaved_preview["match_rate"]) == (1.0, 1.0)
    assert (run.status, run.error) == (TrainingRun.Status.SUCCEEDED, "")
    assert printed["dialect"] == "snowflake"
    assert sum(row[10] for row in cells) == VISITORS
    shop.assert_equal_to_the_managed_store(optimization_body["id"], touches, rewards)


def test_a_schema_and_tables_made_in_quotes_are_read_without_them(cursor: Any) -> None:
    cursor.execute('CREATE SCHEMA "analytics"')
    cursor.execute('CREATE TABLE "analytics"."clicks" ("user_id" TEXT, "at" TIMESTAMP)')
    cursor.execute("""INSERT INTO "analytics"."clicks" VALUES ('u', '2026-01-05')""")
    alice = factories.make_admin_api(factories.make_organization())

    alice.post("/warehouse/connections", {**CONNECTION, "dataset_id": "analytics"})
    named = f"{histories.SNOWFLAKE_ACCOUNT['database']}.analytics.clicks"
    columns, same = (
        read_body(alice.get(f"/warehouse/tables/{name}/columns"))["columns"]
        for name in ("clicks", named)
    )
    metric = alice.post(
        "/warehouse/metrics",
        {
            "name": "clicks",
            "sql": 'SELECT * FROM "clicks" WHERE "at" >= @start_date',
            "column_mapping": {
                "anonymous_id": "user_id",
                "timestamp": "at",
                "reward_type": "bool",
            },
        },
    )

    assert [column["name"] for column in columns] == ["user_id", "at"]
    assert same == columns
    assert metric.status_code == 201, metric.content


def test_a_refused_password_stores_no_connection() -> None:
    alice = factories.make_admin_api(factories.make_organization())
    answers = {"login": cloud_endpoints.refuse_login}

    with (
        cloud_endpoints.run_endpoint(lambda _endpoint: answers) as endpoint,
        override_settings(SNOWFLAKE_ENDPOINT=endpoint.url),
    ):
        answer = alice.post("/warehouse/connections", CONNECTION)

    assert answer.status_code == 400
    assert "Incorrect username or password" in factories.read_error(answer)["message"]
    assert PASSWORD not in answer.content.decode()
    connection = read_body(alice.get("/warehouse/connections"))["connection"]
    assert connection["provider"] == "managed"
