"""The demo's past: each day of it is dated as if the service had run then."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from levered_site.demo import history, outcomes, stories
from levered_site.demo.five_worlds import BROKEN_SPLIT, CLEAR_WINNER
from levered_site.demo.past_service import PastService, keep_schedule_away
from levered_site.demo.world import Step
from levered_site.organizations.models import AuditEntry
from models_app.models import TrainingRun
from optimizations.models import Assignment, Decision, Optimization
from optimizations.results.readings import lift_curve
from optimizations.training import schedule
from tests.support import factories
from tests.support.optimization_factories import make_optimization, make_organization

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = 3
NOTED = Step(1, "POST", "/notes", {"text": "Campaign"})
WINNER = replace(
    CLEAR_WINNER, days=DAYS, visitors_a_day=60, steps=[NOTED], guardrails=()
)
CHANGED = replace(
    BROKEN_SPLIT,
    days=DAYS - 1,
    visitors_a_day=40,
    steps=[Step(1, "PATCH", "", {"holdout_percentage": 30})],
)


@pytest.fixture
def past() -> PastService:
    """The service of this process, for a new organization."""
    return PastService(factories.admin_token(make_organization()))


def test_a_history_is_dated_by_its_days_and_ends_now(
    past: PastService, capsys: pytest.CaptureFixture[str]
) -> None:
    now = timezone.now()
    mornings = _list_mornings(now)
    past.client.make_key("demo")

    winner, changed = history.write_history(past, [WINNER, CHANGED], now)

    assert timezone.now() >= now  # the clock is back
    optimization = Optimization.objects.get(pk=winner.optimization_id)
    assert optimization.went_live_at is not None
    assert optimization.went_live_at - mornings[0] < timedelta(minutes=1)
    curve = lift_curve.build_lift_curve(optimization)
    dates = sorted({morning.date() for morning in mornings[1:]} | {now.date()})
    assert [day.date for day in curve.daily] == dates
    assert [(mark.date, mark.text) for mark in curve.marks] == [
        (mornings[1].date(), "Campaign")
    ]
    assert curve.health.as_of is not None
    assert curve.health.as_of >= now

    _require_versions(optimization, mornings[1:])
    _require_receipts(winner, mornings, now)
    assert optimization.variants.filter(screenshot=None).count() == 0

    regimes = Optimization.objects.get(pk=changed.optimization_id).regimes
    periods = regimes.order_by("number").values_list("holdout_percentage", "starts_at")
    assert [(share, _find_morning(moment)) for share, moment in periods] == [
        (15, mornings[1]),
        (30, mornings[2]),
    ]
    actions = AuditEntry.objects.filter(target_id=changed.optimization_id)
    assert _find_morning(actions.latest("created_at").created_at) == mornings[2]

    assert outcomes.print_outcome(winner) is False  # it is too early to say
    printed = capsys.readouterr().out
    assert "NOT as intended (works, the page says early)" in printed
    assert ", truth +" in printed


def test_a_second_demo_has_other_names(past: PastService) -> None:
    organization = make_organization()
    client = PastService(factories.admin_token(organization)).client
    names = ["Sign-up page", "Home page"]
    suffixes = []
    for name in ("Home page", "Sign-up page (2)"):
        suffixes.append(client.choose_suffix(names))
        make_optimization(organization, name=name)

    assert [*suffixes, client.choose_suffix(names)] == ["", " (2)", " (3)"]
    assert past.client.choose_suffix(names) == ""


def test_the_schedule_trains_no_model_whose_past_is_written() -> None:
    optimization = make_optimization(make_organization())
    now = timezone.now() + timedelta(seconds=5)
    find_due = schedule._query_due_optimizations

    with keep_schedule_away(str(optimization.model_id)):
        assert list(find_due(now)) == []

    assert list(find_due(now)) == [optimization]
    assert TrainingRun.objects.count() == 0


def test_the_moved_clock_goes_on_and_is_put_back(past: PastService) -> None:
    moment = timezone.now() - timedelta(days=400)

    with past.live_in_past():
        past.move_clock(moment)
        first, second = timezone.now(), timezone.now()
    afterwards = timezone.now()

    assert moment <= first < second < moment + timedelta(days=1)
    assert afterwards - second > timedelta(days=399)


def _list_mornings(now: datetime) -> list[datetime]:
    last = _find_morning(now)
    return [last - timedelta(days=ago) for ago in range(DAYS, -1, -1)]


def _find_morning(moment: datetime) -> datetime:
    """Return the start of the demo's day that the moment is in."""
    shifted = moment - timedelta(hours=history.MORNING)
    day = shifted.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(hours=history.MORNING)


def _require_versions(optimization: Optimization, mornings: list[datetime]) -> None:
    """Assert that each morning made a version, and now the last one; nothing is left."""
    versions = optimization.model.policy_versions.order_by("number")
    made_at = [version.created_at for version in versions]
    assert made_at == sorted(made_at)
    assert [_find_morning(moment) for moment in made_at[1:-1]] == mornings
    statuses = set(TrainingRun.objects.values_list("status", flat=True))
    assert statuses == {TrainingRun.Status.SUCCEEDED}


def _require_receipts(
    story: stories.Story, mornings: list[datetime], now: datetime
) -> None:
    """Assert that every visitor has a receipt of a time when they could come."""
    receipts = Decision.objects.filter(optimization_id=story.optimization_id)
    assert receipts.count() == story.crowd.visitors > 0
    assert Assignment.objects.count() == Decision.objects.count()
    times = sorted(receipts.values_list("decided_at", flat=True))
    assert mornings[0] < times[0]
    assert times[-1] <= max(mornings[-1], now - history.SILENCE)
