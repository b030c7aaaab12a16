"""The tables of a candidate: trained with every run, and evaluated by later users."""

import numpy as np
import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from optimizations.configuration import create_update
from optimizations.models import Candidate, CandidateTable, Decision
from optimizations.serving import snapshot_loader
from optimizations.training import candidates
from tests.support.candidate_trials import (
    BLIND,
    UNIFORM,
    candidate_path,
    make_trained_candidate,
    member_api,
    send_visitors,
)
from tests.support.factories import read_body, read_error
from tests.support.learning import train_model
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_candidate_is_trained_in_every_run_and_serves_nobody() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 6)
    first = train_model(optimization)
    served = versions.read_table(versions.get_serving_version(optimization.model))
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)

    second = train_model(optimization)

    assert "candidate" not in first.seconds
    assert "candidate" in second.seconds
    (table,) = CandidateTable.objects.all()
    assert (table.number, table.training_run_id) == (2, second.pk)
    assert candidates.unpack_table(table).probabilities == pytest.approx(0.25)
    version = versions.get_serving_version(optimization.model)
    assert version.number == 2
    assert abs(versions.read_table(version) - served).max() < 0.1  # seeds differ
    assert versions.read_table(version).max() > 0.8
    assert versions.read_table(version)[0, [2, 3]].sum() > 0.9  # headline B on mobile
    snapshot = snapshot_loader.build_snapshot(optimization)
    assert np.array_equal(snapshot.probabilities, versions.read_table(version))
    assert not Decision.objects.exists()


def test_a_candidate_that_ignores_its_context_factor_has_equal_rows() -> None:
    optimization = make_trained_candidate(BLIND)

    (table,) = CandidateTable.objects.all()
    shares = candidates.unpack_table(table).probabilities

    served = versions.read_table(versions.get_serving_version(optimization.model))
    assert shares.shape == served.shape
    assert np.ptp(shares, axis=0).max() == 0
    assert np.ptp(served, axis=0).max() > 0.5
    report = Candidate.objects.get().report
    assert report is not None
    assert report["contexts"] == []


def test_users_evaluate_the_table_that_the_candidate_had_at_their_time() -> None:
    optimization = make_trained_candidate(BLIND, exploration_share=0.2)
    for days_ago in (5, 4):
        # Three times, so that enough users saw what the candidate would have shown.
        for seed in range(3):
            send_visitors(optimization, days_ago, seed=seed)
        train_model(optimization)

    report = read_body(member_api(optimization).get(candidate_path(optimization)))
    evaluation = read_body(
        member_api(optimization).post(
            f"/optimizations/{optimization.pk}/evaluate", {"policy": "candidate"}
        )
    )

    assert report["trainings"] == 3
    comparison = report["comparison"]
    assert comparison["policy"] == "candidate"
    assert comparison["from_version"] == 1
    assert comparison["users"]["used"] == 6000
    assert comparison["users"]["learned_from"] == 0
    assert comparison["users"]["left_out"]["outside_versions"] == 1000
    # Without the device it earns 0.3, with it 0.4.
    low, high = comparison["difference"]["interval"]
    assert low < -0.08 < high < 0
    for name in ("estimators", "served", "difference", "users"):
        assert evaluation[name] == comparison[name]


def test_a_candidate_without_a_table_cannot_be_evaluated() -> None:
    optimization = make_live_optimization()
    path = f"/optimizations/{optimization.pk}/evaluate"
    api = member_api(optimization)

    missing = api.post(path, {"policy": "candidate"})
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)
    untrained = api.post(path, {"policy": "candidate"})

    assert (missing.status_code, untrained.status_code) == (404, 409)


def test_users_from_before_its_first_table_are_refused() -> None:
    optimization = make_trained_candidate(UNIFORM)
    path = f"/optimizations/{optimization.pk}/evaluate"

    response = member_api(optimization).post(
        path, {"policy": "candidate", "from_version": 0}
    )

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "from_version"


def test_its_table_is_restricted_to_the_variants_enabled_at_the_time() -> None:
    optimization = make_trained_candidate(UNIFORM, exploration_share=0.2)
    create_update.set_variant_enabled(
        optimization, 2, enabled=False, actor=SYSTEM_ACTOR
    )
    optimization.model.refresh_from_db()
    send_visitors(optimization, 5, seed=1)
    train_model(optimization)

    comparison = read_body(member_api(optimization).get(candidate_path(optimization)))[
        "comparison"
    ]

    assert comparison["estimators"] is not None
    assert comparison["users"]["used"] == 1000


def test_a_candidate_that_cannot_be_trained_does_not_stop_the_run() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 6)
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)
    Candidate.objects.update(allocation="greedy")  # no rule of this name

    train_model(optimization)

    assert optimization.model.policy_version == 1
    assert not CandidateTable.objects.exists()
    report = read_body(member_api(optimization).get(candidate_path(optimization)))
    assert report["error"].startswith("ValueError: rule:")


def test_reports_from_before_candidates_are_still_readable() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 6)
    train_model(optimization)
    version = versions.get_serving_version(optimization.model)
    report = version.report
    assert report is not None
    for name in ("interactions", "estimated_improvement"):
        del report[name]
    for row in report["contexts"]:
        del row["estimated_improvement_percent"]
    version.save(update_fields=["report"])

    path = f"/optimizations/{optimization.pk}"
    results = read_body(member_api(optimization).get(f"{path}/results"))
    progress = read_body(member_api(optimization).get(f"{path}/progress"))

    assert results["interactions"] is None
    assert "next training" in results["unavailable"]["interactions"]
    percent = "contexts[0].estimated_improvement_percent"
    assert "next training" in results["unavailable"][percent]
    assert progress["days_to_decision"] is None
    assert "next training" in progress["unavailable"]["days_to_decision"]
