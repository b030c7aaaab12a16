"""The API of candidates: set, read, promote, discard, and access."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from models_app import runs, versions
from models_app.models import PolicyVersion
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Candidate, CandidateTable, Optimization
from optimizations.serving import snapshot_loader
from optimizations.training import candidates
from optimizations.training.run import run_training
from tests.support import factories
from tests.support.candidate_trials import (
    BLIND,
    UNIFORM,
    admin_api,
    candidate_path,
    make_trained_candidate,
    member_api,
)
from tests.support.factories import Api, read_body, read_error
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_live_optimization,
    make_organization,
)
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)


def read_state(optimization: Optimization) -> tuple[Any, ...]:
    """Return everything that a refusal must not change."""
    optimization.refresh_from_db()
    return (
        candidates.read_training_settings(optimization),
        optimization.snapshot_version,
        PolicyVersion.objects.count(),
        list(Candidate.objects.values()),
        AuditEntry.objects.count(),
    )


def test_a_candidate_is_set_shown_replaced_and_discarded() -> None:
    optimization = make_live_optimization()
    api, path = member_api(optimization), candidate_path(optimization)

    missing = api.get(path)
    first = api.request("PUT", path, UNIFORM)
    repeated = api.request("PUT", path, UNIFORM)
    replaced = api.request("PUT", path, BLIND | {"exploration_share": 0.05})
    report = read_body(api.get(path))
    discarded = admin_api(optimization).delete(path)

    responses = (missing, first, repeated, replaced, discarded)
    codes = [response.status_code for response in responses]
    assert codes == [404, 201, 200, 201, 204]
    assert read_body(first)["allocation"] == "uniform"
    assert read_body(first)["exploration_share"] == optimization.exploration_share
    assert (report["allocation"], report["exploration_share"]) == ("default", 0.05)
    assert report["ignored_context_factors"] == ["device"]
    assert report["live"]["ignored_context_factors"] == []
    assert report["comparison"] is report["trained_at"] is None
    assert report["unavailable"]["comparison"] == candidates.NO_CANDIDATE_TABLE
    assert not Candidate.objects.exists()
    entries = AuditEntry.objects.filter(action__startswith="candidate.")
    assert sorted(entries.values_list("action", flat=True)) == [
        "candidate.discard",
        "candidate.put",
        "candidate.put",
    ]


def test_an_outdated_etag_does_not_touch_the_new_candidate() -> None:
    optimization = make_live_optimization()
    api, path = admin_api(optimization), candidate_path(optimization)
    first = api.request("PUT", path, UNIFORM)
    second = api.request("PUT", path, BLIND)
    before = read_state(optimization)

    stale = [
        api.delete(path, If_Match=first["ETag"]),
        api.post(f"{path}/promote", If_Match=first["ETag"]),
    ]
    after = read_state(optimization)
    fresh = api.delete(path, If_Match=second["ETag"])

    assert [response.status_code for response in stale] == [412, 412]
    assert after == before
    assert fresh.status_code == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "allocation"),
        ({"allocation": "default"}, "allocation"),
        ({"allocation": "greedy"}, "allocation"),
        ({"exploration_share": 0.3}, "exploration_share"),
        ({"exploration_share": "0.1"}, "exploration_share"),
        ({"ignored_context_factors": ["headline"]}, "ignored_context_factors[0]"),
        ({"ignored_context_factors": "device"}, "ignored_context_factors"),
        ({"window": 3}, "window"),
    ],
)
def test_invalid_settings_are_refused_by_field(
    body: dict[str, Any], field: str
) -> None:
    optimization = make_live_optimization()
    before = read_state(optimization)

    response = member_api(optimization).request(
        "PUT", candidate_path(optimization), body
    )

    assert response.status_code == 400, response.content
    assert [detail["field"] for detail in read_error(response)["details"]] == [field]
    assert read_state(optimization) == before


@pytest.mark.parametrize(
    "end",
    [
        partial(lifecycle.ship_optimization, confirm=True),
        lifecycle.stop_optimization,
        lifecycle.archive_optimization,
    ],
)
def test_an_ended_optimization_has_no_candidate(end: Callable[..., Any]) -> None:
    optimization = make_trained_candidate(UNIFORM)
    end(optimization, SYSTEM_ACTOR)
    before = read_state(optimization)

    put = member_api(optimization).request("PUT", candidate_path(optimization), BLIND)
    promoted = admin_api(optimization).post(f"{candidate_path(optimization)}/promote")

    assert (put.status_code, promoted.status_code) == (409, 409)
    assert read_state(optimization) == before


def test_candidates_are_hidden_from_strangers_and_without_a_token() -> None:
    optimization = make_trained_candidate(UNIFORM)
    before = read_state(optimization)
    path = candidate_path(optimization)

    for api, code in (
        (factories.make_admin_api(make_organization()), 404),
        (Api(), 401),
    ):
        responses = [
            api.get(path),
            api.request("PUT", path, BLIND),
            api.delete(path),
            api.post(f"{path}/promote"),
        ]
        assert {response.status_code for response in responses} == {code}
    assert read_state(optimization) == before


def test_promotion_makes_the_table_serve_and_copies_the_settings() -> None:
    optimization = make_trained_candidate(BLIND)
    shares = candidates.unpack_table(CandidateTable.objects.get()).probabilities
    before = optimization.snapshot_version

    response = admin_api(optimization).post(f"{candidate_path(optimization)}/promote")

    assert response.status_code == 200, response.content
    body = read_body(response)
    assert (body["ignored_context_factors"], body["policy_version"]) == (["device"], 2)
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    assert optimization.snapshot_version > before
    snapshot = snapshot_loader.build_snapshot(optimization)
    assert np.array_equal(snapshot.probabilities, shares)
    assert not Candidate.objects.exists()
    entry = AuditEntry.objects.get(action="candidate.promote")
    assert entry.before["ignored_context_factors"] == []
    assert entry.changes["ignored_context_factors"] == ["device"]
    assert entry.changes["policy_version"] == 2
    results = read_body(
        member_api(optimization).get(f"/optimizations/{optimization.pk}/results")
    )
    assert {row["level"] for row in results["contexts"]} == {"mobile", "desktop"}
    for index, row in enumerate(results["contexts"]):
        assert row["best_variant"] is row["share"] is None
        reason = results["unavailable"][f"contexts[{index}].best_variant"]
        assert reason == "the model learned without this context factor"
    assert list_nulls_without_reason(results) == []
    assert "device" in results["model"]["notes"][0]
    train_model(optimization)
    table = versions.read_table(versions.get_serving_version(optimization.model))
    assert np.ptp(table, axis=0).max() == 0


def test_only_an_admin_promotes_or_discards_and_only_a_trained_candidate() -> None:
    optimization = make_live_optimization()
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)
    before = read_state(optimization)
    path = f"{candidate_path(optimization)}/promote"

    by_member = member_api(optimization).post(path)
    discarded = member_api(optimization).delete(candidate_path(optimization))
    untrained = admin_api(optimization).post(path)

    responses = (by_member, discarded, untrained)
    codes = [response.status_code for response in responses]
    assert codes == [403, 403, 409]
    assert "no training has made a table" in read_error(untrained)["message"]
    assert read_state(optimization) == before


def test_promotion_restricts_the_table_to_the_variants_enabled_now() -> None:
    optimization = make_trained_candidate(UNIFORM)
    create_update.set_variant_enabled(
        optimization, 3, enabled=False, actor=SYSTEM_ACTOR
    )

    candidates.promote_candidate(optimization, SYSTEM_ACTOR)

    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    table = versions.read_table(versions.get_serving_version(optimization.model))
    assert table[:, 2].max() == 0
    assert table[:, [0, 1, 3]] == pytest.approx(1 / 3)


def test_a_training_under_way_does_not_undo_a_promotion() -> None:
    optimization = make_trained_candidate(UNIFORM)
    run = runs.request_training(optimization.model, requested_by="test")

    candidates.promote_candidate(optimization, SYSTEM_ACTOR)
    run_training(run.pk)

    run.refresh_from_db()
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    assert run.status == "cancelled"
    assert optimization.model.policy_version == 2
    table = versions.read_table(versions.get_serving_version(optimization.model))
    assert table == pytest.approx(0.25)
