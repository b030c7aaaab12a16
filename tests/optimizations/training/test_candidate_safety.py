"""A candidate does no harm: to the live run, to what is shown, to another's tables."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations.actors import SYSTEM
from levered_site.organizations.models import AuditEntry
from models_app import state, versions
from models_app.models import PolicyVersion, TrainingRun
from optimizations.models import Candidate, CandidateTable, PublishedDay
from optimizations.off_policy import evaluate, target_policies
from optimizations.off_policy.eligible_cells import Asked
from optimizations.results import progress
from optimizations.training import candidates
from tests.support.factories import body_of, error_of
from tests.support.learning import trained
from tests.support.optimization_factories import live
from tests.support.trials import BLIND, UNIFORM, admin, door, member, tried, visited

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_failure_of_a_candidate_stops_the_live_run() -> None:
    optimization = live()
    visited(optimization, 6)
    candidates.put(optimization, UNIFORM, SYSTEM)
    Candidate.objects.update(ignored_context_factors=3)

    trained(optimization)

    assert optimization.model.policy_version == 1
    assert not CandidateTable.objects.exists()
    assert Candidate.objects.get().error.startswith("TypeError: ")


def test_one_whose_last_training_failed_is_not_promoted() -> None:
    optimization = tried(UNIFORM)
    Candidate.objects.update(error="NotConverged: 50 steps")

    answer = admin(optimization).post(f"{door(optimization)}/promote")

    assert answer.status_code == 409
    assert "NotConverged: 50 steps" in error_of(answer)["message"]
    assert PolicyVersion.objects.count() == 2
    assert Candidate.objects.exists()


def test_an_old_table_that_is_promoted_looks_as_old_as_it_is() -> None:
    optimization = tried(UNIFORM)
    long_ago = timezone.now() - timedelta(days=30)
    TrainingRun.objects.update(finished_at=long_ago)

    optimization = candidates.promote(optimization, SYSTEM)

    assert versions.active(optimization.model).created_at > long_ago
    assert state.of(optimization.model)["trained_at"] == long_ago


def test_a_winner_is_stable_only_where_it_serves() -> None:
    even = candidates.promote(tried(UNIFORM), SYSTEM)
    other = tried(BLIND)
    before = progress.of(other)
    number = before["winner"]["number"]
    figures = PublishedDay.objects.get(optimization=other).figures
    changed = figures | {"winner": number % 4 + 1}
    PublishedDay.objects.filter(optimization=other).update(figures=changed)

    alike, after = progress.of(even), progress.of(other)

    assert before["stable_since"] == PublishedDay.objects.get(optimization=other).day
    assert alike["winner"] is alike["stable_since"] is None
    assert alike["unavailable"]["winner"] == progress.ALIKE
    assert alike["unavailable"]["stable_since"] == progress.ALIKE
    assert after["stable_since"] is None
    assert after["unavailable"]["stable_since"] == progress.CHANGED


def test_a_member_may_not_replace_what_only_an_admin_may_discard() -> None:
    optimization = tried(UNIFORM)
    entries = AuditEntry.objects.count()

    refused = member(optimization).request("PUT", door(optimization), BLIND)
    left = Candidate.objects.get().allocation, CandidateTable.objects.count()
    after = AuditEntry.objects.count()
    done = admin(optimization).request("PUT", door(optimization), BLIND)

    assert (refused.status_code, done.status_code) == (403, 201)
    assert left == ("uniform", 1)
    assert after == entries
    entry = AuditEntry.objects.filter(action="candidate.put").latest("pk")
    assert entry.changes["replaced"]["allocation"] == "uniform"


def test_one_that_was_replaced_while_it_is_judged_is_a_conflict() -> None:
    optimization = tried(UNIFORM)
    known = target_policies.trial(optimization)
    served = target_policies.Served(optimization.model, {0, 1})
    tables = target_policies.of(optimization, Asked("candidate"), served, known)

    with pytest.raises(ConflictError, match="no table at version 0"):
        tables(0)
    candidates.put(optimization, BLIND, SYSTEM)

    with pytest.raises(ConflictError, match="replaced meanwhile"):
        tables(1)
    with pytest.raises(ConflictError, match="cannot be judged"):
        evaluate.of(optimization, Asked("candidate"))


def test_a_published_day_says_why_a_lift_is_withheld() -> None:
    optimization = live(holdout_percentage=0)
    visited(optimization, 6)
    trained(optimization)
    place = f"/optimizations/{optimization.pk}/lift-history"

    (day,) = body_of(member(optimization).get(place))["daily"]
    figures = PublishedDay.objects.get().figures
    del figures["unavailable"]
    PublishedDay.objects.update(figures=figures)
    (old,) = body_of(member(optimization).get(place))["daily"]

    missing = {name for name, value in day.items() if value is None}
    assert {"measured_lift_percent", "measured_lift_ci"} <= missing
    assert set(day["unavailable"]) == missing
    assert old["unavailable"] == {}
