"""A connected Postgres through the API: connect, define, preview, train, results."""

from typing import Any

import pytest
from django.utils import timezone

from levered_site.api import openapi_examples
from metrics.models import AssignmentSource
from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import factories, warehouse_events
from tests.support.api_story import Story, shorten
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_config
from tests.support.recorded_examples import compare_examples, find_operation_id
from tests.support.second_postgres import PASSWORD, SecondServer
from tests.support.shop import (
    MANAGED_SQL,
    METRIC,
    SOURCE,
    assert_equal_to_the_managed_store,
    connect_warehouse,
    create_optimization,
    request_training,
    simulate_history,
    train_queued_run,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_source_that_is_not_saved_is_previewed_and_a_typo_is_a_400_everywhere(
    second: SecondServer,
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    source = {name: SOURCE[name] for name in ("sql", "column_mapping")}
    metric = {name: METRIC[name] for name in ("sql", "column_mapping")}
    typo = {"sql": METRIC["sql"].replace("shop.orders", "shop.ordres")}
    source_typo = {"sql": SOURCE["sql"].replace("shown", "shwon")}

    previewed = alice.post("/warehouse/assignment-sources/preview", source)
    refused = [
        alice.post("/warehouse/query", typo),
        alice.post("/warehouse/preview", {**metric, **typo}),
        alice.post("/warehouse/metrics", {**METRIC, **typo}),
        alice.post("/warehouse/assignment-sources/preview", {**source, **source_typo}),
        alice.post("/warehouse/assignment-sources", {**SOURCE, **source_typo}),
    ]

    assert read_body(previewed)["warnings"] == [
        "The query returned no rows for the last 30 days."
    ]
    assert [answer.status_code for answer in refused] == [400] * len(refused)
    assert {read_error(answer)["details"][0]["field"] for answer in refused} == {"sql"}
    assert not AssignmentSource.objects.exists()


def _tell_connection(story: Story, alice: Api, second: SecondServer) -> None:
    path = "/warehouse/connections"
    body = {"provider": "postgres", "credentials": second.credentials}
    # The document has another request: this one has the port of the moment.
    story.add(201, "POST", path, alice.post(path, body))


def _tell_previews(story: Story, alice: Api, path: str) -> dict[str, Any]:
    """Preview a definition, saved and not saved; return the first answer."""
    unsaved = {name: SOURCE[name] for name in ("sql", "column_mapping")}
    path_of_unsaved = "/warehouse/assignment-sources/preview"
    story.call(alice, "POST", path_of_unsaved, unsaved | {"limit": 5})
    preview: dict[str, Any] = story.call(alice, "POST", f"{path}/preview", {"limit": 5})
    return preview


def _tell_source(story: Story, alice: Api) -> str:
    """Define where exposures are read; return the path of the definition."""
    path = "/warehouse/assignment-sources"
    created = story.call(alice, "POST", path, SOURCE)
    assert created["default"] is True
    story.call(alice, "GET", path)
    path = f"{path}/{created['id']}"
    story.call(alice, "PATCH", path, {"name": "Views of the headline"})
    story.call(alice, "GET", path)
    return path


def test_from_connecting_to_results_equal_to_the_managed_stores(
    second: SecondServer,
) -> None:
    acme = factories.make_organization()
    alice = factories.make_admin_api(acme)
    story = Story(find_operation_id)

    _tell_connection(story, alice, second)
    tables = read_body(alice.get("/warehouse/tables"))["tables"]
    table_names = {(table["schema"], table["name"]) for table in tables}
    columns = read_body(alice.get("/warehouse/tables/shop.orders/columns"))["columns"]
    source_path = _tell_source(story, alice)
    metric = alice.post("/warehouse/metrics", METRIC)
    optimization_body = create_optimization(
        alice, read_body(metric)["id"], holdout_percentage=20
    )
    touches, rewards = simulate_history(
        optimization_body["id"], timezone.now(), holdout_percentage=20
    )
    second.store(optimization_body["id"], touches, rewards)
    preview = read_body(
        alice.post(
            f"/warehouse/metrics/{read_body(metric)['id']}/preview", {"limit": 5}
        )
    )
    source_preview = _tell_previews(story, alice, source_path)
    request_training(alice, optimization_body)
    run = train_queued_run(optimization_body["id"])
    results = read_body(
        alice.get(f"/optimizations/{optimization_body['id']}/results?sql=true")
    )

    assert "public.shown" in results["sql"][0]["statement"].replace('"', "")
    assert ("shop", "orders") in table_names
    assert "secrets" not in {name for _, name in table_names}
    assert [column["name"] for column in columns] == ["user", "at"]
    assert (preview["row_count"], preview["match_rate"]) == (5, 1.0)
    assert preview["warnings"] == []
    assert source_preview["row_count"] == 5
    assert source_preview["warnings"] == []
    assert (run.status, run.error) == (TrainingRun.Status.SUCCEEDED, "")
    assert run.rows_read == len(touches)
    assert results["stats"]["best_vs_baseline_percent"] > 0
    assert_equal_to_the_managed_store(optimization_body["id"], touches, rewards)
    compare_examples(openapi_examples.CONNECTED_FILE, shorten(story.examples, {}))


def test_results_through_the_api_equal_the_managed_stores(second: SecondServer) -> None:
    now = timezone.now()
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    assert alice.post("/warehouse/assignment-sources", SOURCE).status_code == 201
    bob = factories.make_admin_api(factories.make_organization())
    connected = create_optimization(
        alice,
        read_body(alice.post("/warehouse/metrics", METRIC))["id"],
        holdout_percentage=0,
    )
    managed_metric = METRIC | {
        "sql": f"{MANAGED_SQL} WHERE timestamp_utc >= @start_date",
        "column_mapping": METRIC["column_mapping"] | {"anonymous_id": "anonymous_id"},
    }
    managed = create_optimization(
        bob,
        read_body(bob.post("/warehouse/metrics", managed_metric))["id"],
        holdout_percentage=0,
    )
    touches, rewards = simulate_history(managed["id"], now, holdout_percentage=0)
    second.store(connected["id"], touches, rewards)
    warehouse_events.store_events(
        Optimization.objects.get(pk=managed["id"]).organization_id,
        managed["id"],
        touches,
        rewards,
    )

    all_results = []
    for api, optimization_body in ((alice, connected), (bob, managed)):
        request_training(api, optimization_body)
        assert train_queued_run(optimization_body["id"]).error == ""
        results = read_body(
            api.get(f"/optimizations/{optimization_body['id']}/results")
        )
        all_results.append(results)

    for results in all_results:
        for name in ("optimization_id", "as_of", "meta", "request_id"):
            results.pop(name, None)
        results["health"].pop("as_of")
        results["checks"].pop("one_id")  # a connected warehouse is not asked for it
        measured = results["primary_metric_vs_holdout"]
        measured.pop("metric_id")
        for regime in measured["regimes"]:
            regime.pop("starts_at")  # a second apart
    assert all_results[0] == all_results[1]


def test_going_live_needs_an_assignment_source(second: SecondServer) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    metric = read_body(alice.post("/warehouse/metrics", METRIC))["id"]
    body = {
        "name": "x",
        "training_data_config": make_config(),
        "reward_metric_id": metric,
    }

    refused = read_error(alice.post("/optimizations", body))

    assert refused["code"] == "conflict"
    assert "assignment source" in refused["message"]
    assert not Optimization.objects.exists()


def test_a_failing_warehouse_fails_the_run_and_leaves_the_results(
    second: SecondServer,
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric = read_body(alice.post("/warehouse/metrics", METRIC))["id"]
    optimization_body = create_optimization(alice, metric, holdout_percentage=20)
    second.store(
        optimization_body["id"],
        *simulate_history(
            optimization_body["id"], timezone.now(), holdout_percentage=20
        ),
    )
    request_training(alice, optimization_body)
    train_queued_run(optimization_body["id"])
    before = read_body(alice.get(f"/optimizations/{optimization_body['id']}/results"))
    failures = {
        'column "at" does not exist': (
            "ALTER VIEW shop.orders RENAME COLUMN at TO x",
            "ALTER VIEW shop.orders RENAME COLUMN x TO at",
        ),
        "permission denied": (
            "REVOKE SELECT ON public.shown FROM reader",
            "GRANT SELECT ON public.shown TO reader",
        ),
        "password authentication failed": (
            "ALTER ROLE reader PASSWORD 'another'",
            f"ALTER ROLE reader PASSWORD '{PASSWORD}'",
        ),
    }

    for reason, (break_sql, repair_sql) in failures.items():
        with second.owner() as owner:
            owner.execute(break_sql)
        try:
            request_training(alice, optimization_body)
            run = train_queued_run(optimization_body["id"])
            refreshed = alice.get(
                f"/optimizations/{optimization_body['id']}/results?refresh=true"
            )
        finally:
            with second.owner() as owner:
                owner.execute(repair_sql)

        assert run.status == TrainingRun.Status.FAILED
        assert reason in run.error
        assert PASSWORD not in run.error
        old = read_body(refreshed)
        assert old["as_of"] == before["as_of"]
        assert old["notes"][0].startswith("These figures are old")
        assert reason in old["notes"][0]
        assert PASSWORD not in old["notes"][0]
        after = read_body(
            alice.get(f"/optimizations/{optimization_body['id']}/results")
        )
        assert after["stats"] == before["stats"]
