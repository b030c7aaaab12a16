"""The staff's first page: what runs, what came in, what was learned, what failed."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, connection, models, transaction
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.organizations.models import AuditEntry, Organization
from models_app.models import TrainingRun
from optimizations.models import Decision, Optimization
from warehouse.models import ManagedExposure, ManagedReward

HOURS = 24
ROWS = 8
REMEMBERED_SECONDS = 60
DATED = "sent in, dated in the last 24 hours"
PATIENCE_MILLISECONDS = 3000
STREAMS: tuple[tuple[str, str, type[models.Model], str], ...] = (
    ("Decisions", "decided_at", Decision, "var(--color-primary-600)"),
    ("Exposures", "timestamp_utc", ManagedExposure, "var(--color-base-400)"),
    ("Rewards", "timestamp_utc", ManagedReward, "#f59e0b"),
)

Hourly = dict[str, list[int] | None]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its name, and the way to what it counts."""

    name: str
    value: str
    note: str
    path: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the overview to the index page, for those who may see optimizations."""
    may = request.user.has_perm
    if not may("optimizations.view_optimization"):
        return context
    now = timezone.now()
    counted = hourly(now)
    return {
        **context,
        "tiles": [*_optimizations(), *_streams(counted), _failures(now)],
        "chart": chart(now, counted),
        "runs": _runs() if may("models_app.view_trainingrun") else "",
        "audit": _audit() if may("organizations.view_auditentry") else "",
    }


def hourly(now: datetime) -> Hourly:
    """Count decisions and events of the last 24 hours, by the hour, oldest first.

    Remembered for a minute; None where counting took longer than anyone waits.
    """
    key = f"levered:overview:{now:%Y%m%d%H%M}"
    found: Hourly | None = cache.get(key)
    if found is None:
        found = {
            name: _per_hour(model, moment, now) for name, moment, model, _ in STREAMS
        }
        cache.set(key, found, REMEMBERED_SECONDS)
    return found


def _per_hour(
    model: type[models.Model], moment: str, now: datetime
) -> list[int] | None:
    first = _hours(now)[0]
    rows = (
        model._default_manager.filter(  # noqa: SLF001 - Django's documented API
            **{f"{moment}__gte": first, f"{moment}__lte": now}
        )
        .annotate(hour=TruncHour(moment))
        .values_list("hour")
        .annotate(rows=Count("*"))
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MILLISECONDS}")
            found = dict(rows.order_by())
    except OperationalError:
        return None
    return [found.get(hour, 0) for hour in _hours(now)]


def _hours(now: datetime) -> list[datetime]:
    this = now.replace(minute=0, second=0, microsecond=0)
    return [this - timedelta(hours=back) for back in reversed(range(HOURS))]


def _optimizations() -> list[Tile]:
    counts = dict(
        Optimization.objects.filter(deleted_at=None)
        .values_list("status")
        .annotate(rows=Count("*"))
        .order_by()
    )
    rest = [
        f"{counts[status]} {status}"
        for status in Optimization.Status.values
        if counts.get(status) and status != Optimization.Status.LIVE
    ]
    live = counts.get(Optimization.Status.LIVE, 0)
    return [
        Tile(
            "Live optimizations",
            html.figure(live),
            ", ".join(rest) or "none in another state",
            html.listing_path(Optimization, status__exact="live"),
        ),
        Tile(
            "Organizations",
            html.figure(Organization.objects.count()),
            "teams",
            html.listing_path(Organization),
        ),
    ]


def _streams(counted: Hourly) -> list[Tile]:
    return [
        Tile(
            name,
            "many" if (hours := counted[name]) is None else html.figure(sum(hours)),
            "in the last 24 hours" if model is Decision else DATED,
            html.listing_path(model, since=HOURS),
        )
        for name, _, model, _ in STREAMS
    ]


def _failures(now: datetime) -> Tile:
    day = TrainingRun.objects.filter(created_at__gte=now - timedelta(hours=HOURS))
    counts = dict(day.values_list("status").annotate(rows=Count("*")).order_by())
    failed = counts.get(TrainingRun.Status.FAILED, 0)
    return Tile(
        "Failed trainings",
        html.figure(failed),
        f"of {sum(counts.values())} in the last 24 hours",
        html.listing_path(TrainingRun, status__exact="failed"),
    )


def chart(now: datetime, counted: Hourly) -> dict[str, str]:
    """Write the data and options of the chart for Chart.js, as its attributes."""
    sets = [
        {"label": name, "data": counted[name] or [], "backgroundColor": colour}
        for name, _, _, colour in STREAMS
    ]
    axis = {"stacked": True, "grid": {"display": False}, "border": {"display": False}}
    options = {
        "responsive": True,
        "maintainAspectRatio": False,
        "animation": False,
        "maxBarThickness": 18,
        "plugins": {"legend": {"display": True, "align": "end"}},
        "scales": {"x": axis, "y": {**axis, "ticks": {"precision": 0}}},
    }
    labels = [f"{hour:%H}:00" for hour in _hours(now)]
    return {
        "data": json.dumps({"labels": labels, "datasets": sets}),
        "options": json.dumps(options),
    }


def _runs() -> SafeString | str:
    found = TrainingRun.objects.select_related("model__optimization")
    newest = list(found.order_by("-created_at", "-id")[:ROWS])
    if not newest:
        return "No training yet."
    return html.table(
        ("", "asked", "optimization", "error"),
        (
            (
                html.pill(run.status),
                html.link(run, f"{run.created_at:%m-%d %H:%M:%S}"),
                getattr(run.model, "optimization", html.NOTHING),
                run.error[:60],
            )
            for run in newest
        ),
    )


def _audit() -> SafeString | str:
    newest = list(AuditEntry.objects.order_by("-created_at", "-id")[:ROWS])
    if not newest:
        return "Nothing was changed yet."
    return html.table(
        ("when", "what", "", "who"),
        (
            (
                html.link(entry, f"{entry.created_at:%m-%d %H:%M:%S}"),
                entry.action,
                entry.target_name[:40],
                entry.actor_id[:24],
            )
            for entry in newest
        ),
    )
