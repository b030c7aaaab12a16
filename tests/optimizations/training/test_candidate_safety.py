"""A candidate never harms the live run, published figures, or another candidate."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from models_app import state, versions
from models_app.models import PolicyVersion, TrainingRun
from optimizations.models import Candidate, CandidateTable, PublishedDay
from optimizations.off_policy import evaluate, target_policies
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.results.model import leader
from optimizations.results.readings import progress
from optimizations.training import candidates
from tests.support.candidate_trials import (
    BLIND,
    UNIFORM,
    admin_api,
    candidate_path,
    headline_rate,
    make_trained_candidate,
    member_api,
    send_visitors,
)
from tests.support.factories import read_body, read_error
from tests.support.learning import train_model
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_failure_of_a_candidate_stops_the_live_run() -> None:
    optimization = make_live_optimization()
    send_visitors(optimization, 6)
    candidates.set_candidate(optimization, UNIFORM, SYSTEM_ACTOR)
    Candidate.objects.update(ignored_context_factors=3)

    train_model(optimization)

    assert optimization.model.policy_version == 1
    assert not CandidateTable.objects.exists()
    assert Candidate.objects.get().error.startswith("TypeError: ")


def test_a_candidate_whose_last_training_failed_is_not_promoted() -> None:
    optimization = make_trained_candidate(UNIFORM)
    Candidate.objects.update(error="NotConverged: 50 steps")

    response = admin_api(optimization).post(f"{candidate_path(optimization)}/promote")

    assert response.status_code == 409
    assert "NotConverged: 50 steps" in read_error(response)["message"]
    assert PolicyVersion.objects.count() == 2
    assert Candidate.objects.exists()


def test_a_promoted_table_is_as_old_as_its_training() -> None:
    optimization = make_trained_candidate(UNIFORM)
    long_ago = timezone.now() - timedelta(days=30)
    TrainingRun.objects.update(finished_at=long_ago)

    optimization = candidates.promote_candidate(optimization, SYSTEM_ACTOR)

    assert versions.get_serving_version(optimization.model).created_at > long_ago
    assert state.build_state(optimization.model).trained_at == long_ago


def test_a_winner_is_stable_only_where_it_serves() -> None:
    even = candidates.promote_candidate(make_trained_candidate(UNIFORM), SYSTEM_ACTOR)
    other = make_trained_candidate(BLIND, headline_rate)
    before = progress.build_progress(other)
    assert before.winner is not None
    figures = PublishedDay.objects.get(optimization=other).figures
    changed = figures | {"winner": before.winner.number % 4 + 1}
    PublishedDay.objects.filter(optimization=other).update(figures=changed)

    even_progress, after = progress.build_progress(even), progress.build_progress(other)

    assert before.stable_since == PublishedDay.objects.get(optimization=other).day
    assert even_progress.winner is None
    assert even_progress.stable_since is None
    assert even_progress.unavailable["winner"] == leader.EQUAL_SHARES
    assert even_progress.unavailable["stable_since"] == leader.EQUAL_SHARES
    assert after.stable_since is None
    assert after.unavailable["stable_since"] == progress.POLICY_CHANGED


def test_a_member_may_not_replace_a_trained_candidate() -> None:
    optimization = make_trained_candidate(UNIFORM)
    entries = AuditEntry.objects.count()

    refused = member_api(optimization).request(
        "PUT", candidate_path(optimization), BLIND
    )
    remaining = Candidate.objects.get().allocation, CandidateTable.objects.count()
    after = AuditEntry.objects.count()
    replaced = admin_api(optimization).request(
        "PUT", candidate_path(optimization), BLIND
    )

    assert (refused.status_code, replaced.status_code) == (403, 201)
    assert remaining == ("uniform", 1)
    assert after == entries
    entry = AuditEntry.objects.filter(action="candidate.put").latest("pk")
    assert entry.before is not None
    assert entry.before["allocation"] == "uniform"


def test_a_candidate_replaced_during_its_evaluation_is_a_conflict() -> None:
    optimization = make_trained_candidate(UNIFORM)
    candidate_versions = target_policies.load_candidate_versions(optimization)
    served = target_policies.ServedTables(optimization.model, {0, 1})
    tables = target_policies.build_target_tables(
        optimization, EvaluationRequest("candidate"), served, candidate_versions
    )

    with pytest.raises(ConflictError, match="no table at version 0"):
        tables(0)
    candidates.set_candidate(optimization, BLIND, SYSTEM_ACTOR)

    with pytest.raises(ConflictError, match="replaced during"):
        tables(1)
    with pytest.raises(ConflictError, match="cannot be evaluated"):
        evaluate.build_evaluation(optimization, EvaluationRequest("candidate"))


def test_a_published_day_says_why_a_lift_is_withheld() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    send_visitors(optimization, 6)
    train_model(optimization)
    path = f"/optimizations/{optimization.pk}/lift-history"

    (day,) = read_body(member_api(optimization).get(path))["daily"]
    figures = PublishedDay.objects.get().figures
    del figures["unavailable"]
    PublishedDay.objects.update(figures=figures)
    (old,) = read_body(member_api(optimization).get(path))["daily"]

    missing = {name for name, value in day.items() if value is None}
    assert {"measured_lift_percent", "measured_lift_ci"} <= missing
    assert set(day["unavailable"]) == missing
    assert old["unavailable"] == {}
