"""POST /serve and /best-variant over HTTP."""

from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from levered_site.database import fetch_row
from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from models_app.bandit.policy import allocation
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import snapshot_store
from tests.support import optimization_factories
from tests.support.factories import (
    Api,
    make_admin_api,
    make_api_key,
    read_body,
    read_error,
)
from tests.support.optimization_factories import make_live_optimization
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_user_keeps_the_variant_first_served() -> None:
    optimization = make_live_optimization()

    first = serve_user(optimization, context={"device": "mobile", "x": 1})
    again = serve_user(optimization)

    answer, repeat = read_body(first), read_body(again)
    assert first.status_code == 200
    assert answer.pop("sticky") is False
    assert repeat.pop("sticky") is True
    assert answer.pop("meta")["organization_id"] == optimization.organization_id
    repeat.pop("meta")
    assert repeat == answer
    assert set(answer) == {
        "optimization_id",
        "anonymous_id",
        "variant",
        "variant_number",
        "variant_key",
        "in_holdout",
        "policy_version",
        "propensity",
        "timestamp",
    }
    assert answer["propensity"] == (1.0 if answer["in_holdout"] else 0.25)
    assert answer["timestamp"].endswith("Z")
    assert Assignment.objects.count() == 1
    receipt = Decision.objects.get()
    assert receipt.context == '{"device":"mobile"}'
    assert receipt.variant == answer["variant_key"]
    assert receipt.organization_id == optimization.organization_id


def test_best_variant_is_the_same_with_the_id_in_the_body() -> None:
    optimization = make_live_optimization()
    first = read_body(serve_user(optimization))

    response = Api().post(
        "/optimizations/best-variant",
        {"optimization_id": str(optimization.pk).upper(), "anonymous_id": "u1"},
    )

    body = read_body(response)
    assert (response.status_code, body["sticky"]) == (200, True)
    assert body["variant_number"] == first["variant_number"]


def test_an_assignment_outlives_a_retraining() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    before = {n: read_body(serve_user(optimization, f"u{n}")) for n in range(40)}
    _retrain(optimization, best=2)

    after = {n: read_body(serve_user(optimization, f"u{n}")) for n in range(40)}
    new_users = [read_body(serve_user(optimization, f"new{n}")) for n in range(40)]

    for n in range(40):
        assert after[n]["sticky"] is True
        for name in ("variant_number", "policy_version", "propensity", "timestamp"):
            assert after[n][name] == before[n][name]
    assert {answer["policy_version"] for answer in new_users} == {1}
    assert {answer["variant_number"] for answer in new_users} == {2}


@transaction.atomic
def _retrain(optimization: Optimization, best: int) -> None:
    table = allocation.build_uniform_table(4, _select_variant(best))
    compiled_policy = allocation.CompiledPolicy(table, table)
    model = optimization.model
    run = model.training_runs.create(requested_by="test")
    versions.publish_trained(model, run, compiled_policy, [1, 2, 3, 4], {})
    snapshot_store.publish_on_commit(optimization.pk)


def _select_variant(number: int) -> Any:
    return np.arange(1, 5) == number


def test_the_holdout_is_the_one_that_the_database_computes() -> None:
    optimization = make_live_optimization(holdout_percentage=12.5)
    for n in range(250):
        serve_user(optimization, f"user-{n}é")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) AS users, count(*) FILTER (WHERE in_holdout) AS in_holdout,"
            " count(*) FILTER (WHERE in_holdout <> (left(md5(optimization_id || ':' ||"
            " anonymous_id), 8) < lpad(to_hex(CAST(round(12.5 / 100 * 4294967296)"
            " AS bigint)), 8, '0'))) AS wrong"
            " FROM assignments"
        )
        counts = fetch_row(cursor)

    assert (counts.users, counts.wrong) == (250, 0)
    assert 12 < counts.in_holdout < 55
    assert set(
        Assignment.objects.filter(in_holdout=True).values_list(
            "variant_number", "propensity"
        )
    ) == {(1, 1.0)}


def test_the_holdout_stays_as_it_was_at_the_first_serve() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    serve_user(optimization, "u1")
    create_update.update_configuration(
        optimization, {"holdout_percentage": 50.0}, SYSTEM_ACTOR
    )

    answers = [read_body(serve_user(optimization, f"v{n}")) for n in range(40)]

    assert read_body(serve_user(optimization, "u1"))["in_holdout"] is False
    assert 5 < sum(answer["in_holdout"] for answer in answers) < 35


def test_a_launch_is_ramped_by_lowering_the_holdout(settings: Settings) -> None:
    settings.RATELIMIT_SERVE = "0"
    optimization = make_live_optimization(holdout_percentage=95)
    admin = make_admin_api(optimization.organization)
    early = [read_body(serve_user(optimization, f"u{n}")) for n in range(300)]
    path = f"/optimizations/{optimization.pk}"

    changed = admin.patch(path, {"holdout_percentage": 10})
    refused = admin.patch(path, {"holdout_percentage": 95.1})
    late = [read_body(serve_user(optimization, f"v{n}")) for n in range(300)]
    repeated = [read_body(serve_user(optimization, f"u{n}")) for n in range(300)]

    assert (changed.status_code, refused.status_code) == (200, 400)
    assert 255 < sum(answer["in_holdout"] for answer in early) < 300
    assert 8 < sum(answer["in_holdout"] for answer in late) < 75
    assert [answer["in_holdout"] for answer in repeated] == [
        answer["in_holdout"] for answer in early
    ]


def test_users_of_a_disabled_variant_are_redrawn_once() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    users = [f"u{n}" for n in range(24)]
    first = {user: read_body(serve_user(optimization, user)) for user in users}
    users_to_move = [user for user in users if first[user]["variant_number"] == 3]
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)

    redrawn = {user: read_body(serve_user(optimization, user)) for user in users}
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=True)
    later = {user: read_body(serve_user(optimization, user)) for user in users}

    assert users_to_move
    for user in users:
        is_moved = user in users_to_move
        assert redrawn[user]["sticky"] is not is_moved
        assert redrawn[user]["variant_number"] != 3
        assert redrawn[user]["policy_version"] == (1 if is_moved else 0)
        assert later[user]["sticky"] is True
        assert later[user]["variant_number"] == redrawn[user]["variant_number"]
        receipts = Decision.objects.filter(anonymous_id=user).count()
        assert receipts == (2 if is_moved else 1)


def test_a_redraw_keeps_the_arm_of_the_first_serve() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    users = [f"u{n}" for n in range(40)]
    first = {user: read_body(serve_user(optimization, user)) for user in users}
    create_update.update_configuration(
        optimization, {"holdout_percentage": 50.0}, SYSTEM_ACTOR
    )
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)

    again = {user: read_body(serve_user(optimization, user)) for user in users}

    assert any(answer["variant_number"] == 3 for answer in first.values())
    assert not any(answer["in_holdout"] for answer in again.values())
    assert not any(answer["variant_number"] == 3 for answer in again.values())


def test_a_dry_run_decides_the_same_and_writes_nothing() -> None:
    optimization = make_live_optimization()

    previewed = read_body(serve_user(optimization, dry_run=True))
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()
    served = read_body(serve_user(optimization))
    key = make_api_key(optimization.organization, scopes=["serve"])
    repeated = read_body(
        serve_user(optimization, dry_run=True, headers={"X-API-Key": key})
    )

    for name in ("variant_number", "in_holdout", "propensity", "policy_version"):
        assert previewed[name] == served[name]
        assert repeated[name] == served[name]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([], 409),
        (["live", "paused"], 409),
        (["live", "completed"], 404),
        (["live", "archived"], 404),
    ],
)
def test_a_status_that_does_not_serve_records_nothing(
    steps: list[str], status: int
) -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    optimization = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in steps:
        optimization = lifecycle.change_status(optimization, step, SYSTEM_ACTOR)

    response = serve_user(optimization)

    read_error(response)
    assert response.status_code == status
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()


def test_a_shipped_optimization_serves_its_leader_and_records_nothing() -> None:
    optimization = make_live_optimization(holdout_percentage=50)
    first = [read_body(serve_user(optimization, f"u{n}")) for n in range(12)]
    _retrain(optimization, best=4)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    shipped = [read_body(serve_user(optimization, f"u{n}")) for n in range(12)]
    new_user = read_body(serve_user(optimization, "new"))

    assert {answer["variant_number"] for answer in first} != {4}
    assert {answer["variant_number"] for answer in [*shipped, new_user]} == {4}
    assert not any(answer["in_holdout"] for answer in shipped)
    assert Decision.objects.count() == 12
