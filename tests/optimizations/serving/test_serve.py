"""POST /serve and /best-variant over HTTP."""

from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from levered_site.organizations.actors import SYSTEM
from models_app import versions
from models_app.bandit.policy import allocation
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import snapshot_store
from tests.support import factories as house, optimization_factories
from tests.support.optimization_factories import live
from tests.support.serve_requests import serve

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_user_keeps_the_variant_first_served() -> None:
    optimization = live()

    first = serve(optimization, context={"device": "mobile", "x": 1})
    again = serve(optimization)

    answer, repeat = house.body_of(first), house.body_of(again)
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
    optimization = live()
    first = house.body_of(serve(optimization))

    response = house.Api().post(
        "/optimizations/best-variant",
        {"optimization_id": str(optimization.pk).upper(), "anonymous_id": "u1"},
    )

    body = house.body_of(response)
    assert (response.status_code, body["sticky"]) == (200, True)
    assert body["variant_number"] == first["variant_number"]


def test_a_lock_outlives_a_retraining() -> None:
    optimization = live(holdout_percentage=0)
    before = {n: house.body_of(serve(optimization, f"u{n}")) for n in range(40)}
    _retrain(optimization, best=2)

    after = {n: house.body_of(serve(optimization, f"u{n}")) for n in range(40)}
    fresh = [house.body_of(serve(optimization, f"new{n}")) for n in range(40)]

    for n in range(40):
        assert after[n]["sticky"] is True
        for name in ("variant_number", "policy_version", "propensity", "timestamp"):
            assert after[n][name] == before[n][name]
    assert {one["policy_version"] for one in fresh} == {1}
    assert {one["variant_number"] for one in fresh} == {2}


@transaction.atomic
def _retrain(optimization: Optimization, best: int) -> None:
    table = allocation.uniform(4, _only(best))
    compiled = allocation.Compiled(table, table)
    model = optimization.model
    run = model.training_runs.create(requested_by="test")
    versions.record(model, run, compiled, [1, 2, 3, 4], {})
    snapshot_store.changed(optimization.pk)


def _only(number: int) -> Any:
    return np.arange(1, 5) == number


def test_the_holdout_is_what_the_database_computes() -> None:
    optimization = live(holdout_percentage=12.5)
    for n in range(250):
        serve(optimization, f"user-{n}é")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE in_holdout),"
            " count(*) FILTER (WHERE in_holdout <> (left(md5(optimization_id || ':' ||"
            " anonymous_id), 8) < lpad(to_hex(CAST(round(12.5 / 100 * 4294967296)"
            " AS bigint)), 8, '0')))"
            " FROM assignments"
        )
        total, held_out, wrong = cursor.fetchone()

    assert (total, wrong) == (250, 0)
    assert 12 < held_out < 55
    assert set(
        Assignment.objects.filter(in_holdout=True).values_list(
            "variant_number", "propensity"
        )
    ) == {(1, 1.0)}


def test_the_holdout_stays_as_it_was_at_the_first_serve() -> None:
    optimization = live(holdout_percentage=0)
    serve(optimization, "u1")
    create_update.change(optimization, {"holdout_percentage": 50.0}, SYSTEM)

    answers = [house.body_of(serve(optimization, f"v{n}")) for n in range(40)]

    assert house.body_of(serve(optimization, "u1"))["in_holdout"] is False
    assert 5 < sum(answer["in_holdout"] for answer in answers) < 35


def test_a_disabled_variant_is_drawn_anew_once() -> None:
    optimization = live(holdout_percentage=0)
    users = [f"u{n}" for n in range(24)]
    first = {user: house.body_of(serve(optimization, user)) for user in users}
    held = [user for user in users if first[user]["variant_number"] == 3]
    create_update.set_variant_enabled(optimization, 3, SYSTEM, enabled=False)

    drawn = {user: house.body_of(serve(optimization, user)) for user in users}
    create_update.set_variant_enabled(optimization, 3, SYSTEM, enabled=True)
    later = {user: house.body_of(serve(optimization, user)) for user in users}

    assert held
    for user in users:
        moved = user in held
        assert drawn[user]["sticky"] is not moved
        assert (drawn[user]["variant_number"] == 3) is False
        assert drawn[user]["policy_version"] == (1 if moved else 0)
        assert later[user]["sticky"] is True
        assert later[user]["variant_number"] == drawn[user]["variant_number"]
        receipts = Decision.objects.filter(anonymous_id=user).count()
        assert receipts == (2 if moved else 1)


def test_a_redraw_keeps_the_arm_of_the_first_serve() -> None:
    optimization = live(holdout_percentage=0)
    users = [f"u{n}" for n in range(40)]
    first = {user: house.body_of(serve(optimization, user)) for user in users}
    create_update.change(optimization, {"holdout_percentage": 50.0}, SYSTEM)
    create_update.set_variant_enabled(optimization, 3, SYSTEM, enabled=False)

    again = {user: house.body_of(serve(optimization, user)) for user in users}

    assert any(answer["variant_number"] == 3 for answer in first.values())
    assert not any(answer["in_holdout"] for answer in again.values())
    assert not any(answer["variant_number"] == 3 for answer in again.values())


def test_a_dry_run_decides_the_same_and_writes_nothing() -> None:
    optimization = live()

    rehearsed = house.body_of(serve(optimization, dry_run=True))
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()
    served = house.body_of(serve(optimization))
    repeated = house.body_of(serve(optimization, dry_run=True))

    for name in ("variant_number", "in_holdout", "propensity", "policy_version"):
        assert rehearsed[name] == served[name]
    assert (rehearsed["sticky"], repeated["sticky"]) == (False, True)


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ([], 409),
        (["live", "paused"], 409),
        (["live", "completed"], 404),
        (["live", "archived"], 404),
    ],
)
def test_what_does_not_serve_records_nothing(way: list[str], status: int) -> None:
    organization = optimization_factories.organization()
    metric = optimization_factories.metric(organization)
    optimization = optimization_factories.optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in way:
        optimization = lifecycle.move(optimization, step, SYSTEM)

    response = serve(optimization)

    house.error_of(response)
    assert response.status_code == status
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()


def test_a_shipped_one_answers_its_leader_and_records_nothing() -> None:
    optimization = live(holdout_percentage=50)
    first = [house.body_of(serve(optimization, f"u{n}")) for n in range(12)]
    _retrain(optimization, best=4)
    lifecycle.ship(optimization, SYSTEM)

    shipped = [house.body_of(serve(optimization, f"u{n}")) for n in range(12)]
    newcomer = house.body_of(serve(optimization, "newcomer"))

    assert {answer["variant_number"] for answer in first} != {4}
    assert {answer["variant_number"] for answer in [*shipped, newcomer]} == {4}
    assert not any(answer["in_holdout"] for answer in shipped)
    assert Decision.objects.count() == 12
