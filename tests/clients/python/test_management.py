"""The management API by its Python resources, against the real service."""

import asyncio
import re
import subprocess
import sys
import threading

import pytest
from pytest_django.live_server_helper import LiveServer

from levered import ApiError, AsyncLevered, Levered, LeveredError
from levered.management import api
from levered.schemas import (
    RewardBoundsRequest,
    TrainingDataConfigRequest,
    TrainingRun as TrainingRunDocument,
)
from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import factories, training_workers
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.optimization_factories import SQL, make_live_optimization
from tests.support.python_client import PACKAGE, Opener
from tests.support.result_visitors import make_visited_optimization
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)

PNG = bytes.fromhex("89504e470d0a1a0a")
CONFIG: TrainingDataConfigRequest = {
    "reward": {"name": "purchase", "type": "bool"},
    "design_factors": [{"name": "headline", "dtype": "str", "levels": ["A", "B"]}],
}


@pytest.fixture
def optimization() -> Optimization:
    """Make a live optimization."""
    return make_live_optimization(holdout_percentage=20)


@pytest.fixture
def client(
    live_server: LiveServer, optimization: Optimization, open_client: Opener
) -> Levered:
    """Make a client of an admin of the optimization's organization."""
    token = factories.admin_token(optimization.organization)
    return open_client(live_server.url, token)


def test_what_is_generated_is_up_to_date() -> None:
    """Run `make openapi` after a change of the API or of a resource."""
    done = subprocess.run(
        [sys.executable, PACKAGE / "generate.py", "--check"], check=False
    )

    assert done.returncode == 0


def test_an_optimization_is_created_changed_and_ended(client: Levered) -> None:
    metric = client.metrics.create(
        name="Purchase",
        sql=SQL + " AND timestamp_utc >= @start_date",
        column_mapping={
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "reward_type": "bool",
        },
    )
    created = client.optimizations.create(
        name="Landing page", reward_metric_id=metric["id"], training_data_config=CONFIG
    )
    page = created["id"]

    renamed = client.optimizations.update(page, name="Home page")
    paused = client.optimizations.pause(page)
    live = client.optimizations.resume(page)
    shipped = client.optimizations.ship(page, confirm=True)
    stopped = client.optimizations.stop(page)
    archived = client.optimizations.archive(page)

    assert renamed["name"] == "Home page"
    statuses = [each["status"] for each in (paused, live, shipped, stopped, archived)]
    assert statuses == ["paused", "live", "shipped", "completed", "archived"]
    assert "meta" not in created


def test_shipping_a_broken_one_names_the_reasons_and_needs_a_confirm(
    live_server: LiveServer, open_client: Opener
) -> None:
    broken = make_broken_split()
    client = open_client(live_server.url, factories.admin_token(broken.organization))

    with pytest.raises(ApiError) as hesitates:
        client.optimizations.ship(broken.pk)
    shipped = client.optimizations.ship(broken.pk, confirm=True)

    assert hesitates.value.status == 409
    assert [set(why) for why in hesitates.value.details] == [
        {"code", "message", "next"}
    ]
    assert shipped["status"] == "shipped"


def test_lists_are_read_page_after_page(
    client: Levered, optimization: Optimization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PAGE_SIZE", "2")
    for n in range(4):
        client.optimizations.create(name=f"Draft {n}", training_data_config=CONFIG)

    names = [row["name"] for row in client.optimizations.list()]
    drafts = [row["name"] for row in client.optimizations.list(status="draft")]

    assert names == [*(f"Draft {n}" for n in (3, 2, 1, 0)), optimization.name]
    assert drafts == names[:4]


def test_an_error_names_the_fields(client: Levered) -> None:
    with pytest.raises(ApiError) as caught:
        client.optimizations.create(
            name="Page",
            training_data_config={
                **CONFIG,
                "design_factors": [{"name": "x", "dtype": "str", "levels": ["A"]}],
            },
        )

    assert caught.value.status == 400
    fields = [detail["field"] for detail in caught.value.details]
    assert fields == ["training_data_config.design_factors[0].levels"]


def test_a_call_is_repeated_and_counts_once(
    proxy: ChaosProxy, optimization: Optimization, open_client: Opener
) -> None:
    token = factories.admin_token(optimization.organization)
    client = open_client(proxy.url, token)
    lost = Fault(502, is_passed_on=True)
    proxy.faults = [
        Fault(429, headers=(("Retry-After", "1"),)),
        Fault(seconds=0, is_passed_on=True),
        None,
    ]

    client.optimizations.create(name="Draft", training_data_config=CONFIG)

    assert len(proxy.requests) == 3
    assert proxy.times[1] - proxy.times[0] >= 1
    assert Optimization.objects.filter(name="Draft").count() == 1
    proxy.faults = [lost]
    with pytest.raises(ApiError, match="answered 502"):
        client.optimizations.stop(optimization.pk)
    assert len(proxy.requests) == 4


def test_a_training_is_waited_for_and_its_results_are_read(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_visited_optimization()
    client = open_client(
        live_server.url, factories.admin_token(optimization.organization)
    )
    seen: list[str] = []

    def note_progress(run: TrainingRunDocument) -> None:
        if not seen:
            # No worker runs beside this test.
            training_workers.run_here(TrainingRun.objects.get())
        seen.append(str(run["status"]))

    run = client.models.train(optimization.model_id, on_progress=note_progress)
    results = client.results.get(optimization.pk, refresh=True)

    assert run["status"] == "succeeded"
    assert seen == ["queued", "succeeded"]
    measured = results.data["primary_metric_vs_holdout"]
    assert measured is not None
    assert measured["holdout_exposures"] + measured["optimization_exposures"] == 1000
    table = results.to_pandas()
    assert list(table.index) == [1, 2, 3, 4]
    assert list(table.columns[:3]) == ["headline", "cta", "enabled"]
    assert table["users"].sum() == 1000
    axes = results.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("1: A, False", "2: A, True", "3: B, False", "4: B, True")
    ]
    state = client.models.state(optimization.model_id)
    assert len(state["variants"]) == 4
    assert client.models.policy(optimization.model_id)["version"] == 1
    assert [each["id"] for each in client.models.runs(optimization.model_id)] == [
        run["id"]
    ]


def test_results_that_are_withheld_are_not_drawn_and_say_why(
    client: Levered, optimization: Optimization
) -> None:
    """A training without mature users leaves the rewards withheld, with a reason."""

    def run_here(_run: TrainingRunDocument) -> None:
        for queued in TrainingRun.objects.filter(status="queued"):
            training_workers.run_here(queued)

    client.get_variant(optimization.pk, "ann", {"device": "mobile"})
    run = client.models.train(str(optimization.model_id), on_progress=run_here)
    results = client.results.get(optimization.pk)
    reason = results.data["unavailable"]["variants.expected_reward_mean"]

    with pytest.raises(LeveredError, match=re.escape(reason)):
        results.plot()
    assert run["status"] == "succeeded"


def test_a_training_that_fails_says_why(
    client: Levered, optimization: Optimization
) -> None:
    started = client.models.start_training(optimization.model_id)
    client.models.cancel(optimization.model_id, started["training_run_id"])

    with pytest.raises(LeveredError, match="training cancelled"):
        client.models.wait_for(optimization.model_id, started["training_run_id"])


def test_readings_of_results(client: Levered, optimization: Optimization) -> None:
    client.get_variant(optimization.pk, "ann", {"device": "mobile"})
    page = optimization.pk

    assert client.results.progress(page, refresh=True)["users"]["optimized"] >= 0
    assert client.results.guardrails(page)["guardrails"] == []
    assert client.results.lift_history(page)["daily"] == []
    assert client.results.lift_curve(page)["daily"] == []
    versions = list(client.models.versions(optimization.model_id))
    assert [row["version"] for row in versions] == [0]
    assert client.results.holdout_daily(page)["metrics"]
    assert sum(row["users"] for row in client.results.outcome_mix(page)) == 1
    assert len(list(client.results.observations(page))) == 1
    assert "optimization" in client.results.report_data(page)
    assert client.optimizations.explain(page, "ann")["variant_number"] in range(1, 5)
    assert len(client.optimizations.variants(page)["variants"]) == 4
    assert client.optimizations.set_enabled(page, 3, enabled=False)["enabled"] is False


def test_notes_are_written_changed_and_deleted(
    client: Levered, optimization: Optimization
) -> None:
    page = optimization.pk
    note = client.optimizations.add_note(page, text="A sale.", date="2026-03-28")
    changed = client.optimizations.update_note(page, note["id"], text="A big sale.")

    assert list(client.optimizations.notes(page)) == [changed]
    assert (changed["text"], changed["date"]) == ("A big sale.", "2026-03-28")
    client.optimizations.delete_note(page, note["id"])
    assert list(client.optimizations.notes(page)) == []


def test_results_are_shared_by_links(
    client: Levered, optimization: Optimization
) -> None:
    page = optimization.pk
    made = client.optimizations.share(page, label="Board", expires_in_days=7)
    listed = list(client.optimizations.share_links(page))

    assert "/shared/" in made["url"]
    assert [(row["id"], row["label"]) for row in listed] == [(made["id"], "Board")]
    client.optimizations.revoke_share_link(page, made["id"])
    assert list(client.optimizations.share_links(page)) == []


def test_the_warehouse_is_looked_at(client: Levered) -> None:
    assert client.account.me()["role"] == "admin"
    client.warehouse.connect(provider="managed")
    connection = client.warehouse.connection()
    assert connection is not None
    assert connection["provider"] == "managed"
    tables = [table["name"] for table in client.warehouse.tables()["tables"]]
    assert {"exposures", "rewards"} <= set(tables)
    columns = client.warehouse.columns("managed_dw.rewards")["columns"]
    assert "anonymous_id" in {column["name"] for column in columns}
    rows = client.warehouse.query("SELECT 1 AS one", limit=5)
    assert rows["row_count"] == 1
    assert client.warehouse.test()["success"] is True


def test_keys_are_made_rotated_and_revoked(client: Levered) -> None:
    key = client.api_keys.create(label="server", scopes=["serve"])
    rotated = client.api_keys.rotate(key["id"], overlap_hours=0)
    client.api_keys.revoke(key["id"])

    assert key["secret"] != rotated["secret"]
    assert list(client.api_keys.list()) == []


def test_a_publishable_key_has_rewards_and_pages(client: Levered) -> None:
    rewards = [RewardBoundsRequest(name="signup", min=1, max=1)]
    origins = ["https://www.shop.example"]

    client.api_keys.create(
        label="pages", scopes=["track"], rewards=rewards, origins=origins
    )
    (key,) = client.api_keys.list()

    assert (key["public_key"] or "").startswith("lev_pub_")
    assert key["rewards"] == rewards
    assert key["origins"] == origins


def test_the_asynchronous_resources_do_the_same(
    live_server: LiveServer, optimization: Optimization
) -> None:
    token = factories.admin_token(optimization.organization)

    async def manage() -> tuple[list[str], str, str]:
        async with AsyncLevered(live_server.url, token) as client:
            names = [row["name"] async for row in client.optimizations.list()]
            started = await client.models.start_training(optimization.model_id)
            run = TrainingRun(pk=started["training_run_id"])
            thread = threading.Thread(target=training_workers.run_in_thread, args=[run])
            thread.start()
            ended = await client.models.wait_for(
                optimization.model_id, started["training_run_id"]
            )
            await asyncio.to_thread(thread.join)
            paused = await client.optimizations.pause(optimization.pk)
            return names, paused["status"], str(ended["status"])

    client = Levered(live_server.url)
    client.get_variant(optimization.pk, "ann")
    client.close()
    assert asyncio.run(manage()) == ([optimization.name], "paused", "succeeded")
