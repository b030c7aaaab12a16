"""A candidate beside the live model: set, trained, compared, promoted or discarded."""

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


def left(optimization: Optimization) -> tuple[Any, ...]:
    """Everything that a refusal leaves as it is."""
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
    api, place = member_api(optimization), candidate_path(optimization)

    nothing = api.get(place)
    first = api.request("PUT", place, UNIFORM)
    again = api.request("PUT", place, UNIFORM)
    other = api.request("PUT", place, BLIND | {"exploration_share": 0.05})
    shown = read_body(api.get(place))
    gone = admin_api(optimization).delete(place)

    codes = [each.status_code for each in (nothing, first, again, other, gone)]
    assert codes == [404, 201, 200, 201, 204]
    assert read_body(first)["allocation"] == "uniform"
    assert read_body(first)["exploration_share"] == optimization.exploration_share
    assert (shown["allocation"], shown["exploration_share"]) == ("default", 0.05)
    assert shown["ignored_context_factors"] == ["device"]
    assert shown["live"]["ignored_context_factors"] == []
    assert shown["comparison"] is shown["trained_at"] is None
    assert shown["unavailable"]["comparison"] == candidates.NO_CANDIDATE_TABLE
    assert not Candidate.objects.exists()
    deeds = AuditEntry.objects.filter(action__startswith="candidate.")
    assert sorted(deeds.values_list("action", flat=True)) == [
        "candidate.discard",
        "candidate.put",
        "candidate.put",
    ]


def test_a_candidate_that_was_replaced_meanwhile_is_left_alone() -> None:
    optimization = make_live_optimization()
    api, place = admin_api(optimization), candidate_path(optimization)
    first = api.request("PUT", place, UNIFORM)
    second = api.request("PUT", place, BLIND)
    before = left(optimization)

    stale = [
        api.delete(place, If_Match=first["ETag"]),
        api.post(f"{place}/promote", If_Match=first["ETag"]),
    ]
    after = left(optimization)
    fresh = api.delete(place, If_Match=second["ETag"])

    assert [answer.status_code for answer in stale] == [412, 412]
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
def test_settings_that_make_no_sense_are_refused_by_field(
    body: dict[str, Any], field: str
) -> None:
    optimization = make_live_optimization()
    before = left(optimization)

    answer = member_api(optimization).request("PUT", candidate_path(optimization), body)

    assert answer.status_code == 400, answer.content
    assert [one["field"] for one in read_error(answer)["details"]] == [field]
    assert left(optimization) == before


@pytest.mark.parametrize("move", ["ship", "stop", "archive"])
def test_there_is_no_candidate_where_nothing_is_learned(move: str) -> None:
    optimization = make_trained_candidate(UNIFORM)
    getattr(lifecycle, f"{move}_optimization")(optimization, SYSTEM_ACTOR)
    before = left(optimization)

    put = member_api(optimization).request("PUT", candidate_path(optimization), BLIND)
    promoted = admin_api(optimization).post(f"{candidate_path(optimization)}/promote")

    assert (put.status_code, promoted.status_code) == (409, 409)
    assert left(optimization) == before


def test_a_stranger_sees_no_candidate_and_nobody_without_a_token() -> None:
    optimization = make_trained_candidate(UNIFORM)
    before = left(optimization)
    place = candidate_path(optimization)

    for api, code in (
        (factories.make_admin_api(make_organization()), 404),
        (Api(), 401),
    ):
        answers = [
            api.get(place),
            api.request("PUT", place, BLIND),
            api.delete(place),
            api.post(f"{place}/promote"),
        ]
        assert {answer.status_code for answer in answers} == {code}
    assert left(optimization) == before


def test_promoting_lets_its_table_serve_and_the_optimization_learn_its_way() -> None:
    optimization = make_trained_candidate(BLIND)
    shares = candidates.unpack_table(CandidateTable.objects.get()).probabilities
    before = optimization.snapshot_version

    answer = admin_api(optimization).post(f"{candidate_path(optimization)}/promote")

    assert answer.status_code == 200, answer.content
    body = read_body(answer)
    assert (body["ignored_context_factors"], body["policy_version"]) == (["device"], 2)
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    assert optimization.snapshot_version > before
    snapshot = snapshot_loader.build_snapshot(optimization)
    assert np.array_equal(snapshot.probabilities, shares)
    assert not Candidate.objects.exists()
    entry = AuditEntry.objects.get(action="candidate.promote")
    assert entry.changes["ignored_context_factors"] == [[], ["device"]]
    assert entry.changes["policy_version"] == 2
    results = read_body(
        member_api(optimization).get(f"/optimizations/{optimization.pk}/results")
    )
    assert {row["level"] for row in results["contexts"]} == {"mobile", "desktop"}
    for place, row in enumerate(results["contexts"]):
        assert row["best_variant"] is row["share"] is None
        reason = results["unavailable"][f"contexts[{place}].best_variant"]
        assert reason == "learned without this context factor"
    assert list_nulls_without_reason(results) == []
    assert "device" in results["model"]["notes"][0]
    train_model(optimization)
    table = versions.read_table(versions.get_serving_version(optimization.model))
    assert np.ptp(table, axis=0).max() == 0


def test_only_an_admin_promotes_or_discards_and_only_what_was_trained() -> None:
    optimization = make_live_optimization()
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)
    before = left(optimization)
    place = f"{candidate_path(optimization)}/promote"

    by_member = member_api(optimization).post(place)
    discarded = member_api(optimization).delete(candidate_path(optimization))
    untrained = admin_api(optimization).post(place)

    codes = [each.status_code for each in (by_member, discarded, untrained)]
    assert codes == [403, 403, 409]
    assert "no training has made a table" in read_error(untrained)["message"]
    assert left(optimization) == before


def test_promoting_cuts_the_table_to_what_may_be_served_now() -> None:
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
