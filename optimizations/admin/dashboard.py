"""The admin's index page: optimizations, incoming events, trainings, changes."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import structlog
from django.core.cache import cache
from django.db import OperationalError, connection, models, transaction
from django.db.models import Count
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.organizations.admin import get_staff_roles
from levered_site.organizations.models import AuditEntry, Organization
from levered_site.organizations.staff_roles import StaffRoles
from models_app.models import TrainingRun
from optimizations.models import Decision, Optimization
from warehouse.models import ManagedExposure, ManagedReward

WINDOW_HOURS = 24
MAX_ROWS = 8
CACHE_SECONDS = 60
EVENTS_NOTE = "ingested, with a time in the last 24 hours"
STATEMENT_TIMEOUT_MILLISECONDS = 3000
STREAMS: tuple[tuple[str, str, type[models.Model], str], ...] = (
    ("Decisions", "decided_at", Decision, "var(--color-primary-600)"),
    ("Exposures", "timestamp_utc", ManagedExposure, "var(--color-base-400)"),
    ("Rewards", "timestamp_utc", ManagedReward, "#f59e0b"),
)

HourlyCounts = dict[str, list[int] | None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its name and the URL of the list it counts."""

    name: str
    value: str
    note: str
    url: str


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the overview of the user's organizations to the index page, if there are any."""
    roles = get_staff_roles(request)
    if not roles.has_anywhere("viewer"):
        return context
    now = timezone.now()
    counts = load_hourly_counts(now, roles)
    return {
        **context,
        "tiles": [
            *_build_optimization_tiles(roles),
            *_build_stream_tiles(counts),
            _build_failure_tile(now, roles),
        ],
        "chart": build_chart(now, counts),
        "training_runs": _render_training_runs(roles),
        "audit_entries": _render_audit_entries(roles),
    }


def load_hourly_counts(now: datetime, roles: StaffRoles) -> HourlyCounts:
    """Return the hourly counts of decisions and events of 24 hours, oldest first.

    Only those of the user's organizations. Cached for a minute, where there is a cache. None for a table whose count takes more
    than 3 s.
    """
    key = f"levered:overview:{_name_scope(roles)}:{now:%Y%m%d%H%M}"
    counts = _read_cached_counts(key)
    if counts is None:
        counts = {
            name: _count_per_hour(model, moment, now, roles)
            for name, moment, model, _ in STREAMS
        }
        _cache_counts(key, counts)
    return counts


def _name_scope(roles: StaffRoles) -> str:
    """Return a short name that only users of the same organizations share."""
    if roles.is_superuser:
        return "all"
    ids = "\0".join(roles.list_organizations())
    return hashlib.sha256(ids.encode()).hexdigest()


def _read_cached_counts(key: str) -> HourlyCounts | None:
    try:
        counts = cache.get(key)
    except CACHE_ERRORS as error:
        log.warning("dashboard.cache_away", error=str(error))
        return None
    return counts if _are_hourly_counts(counts) else None


def _are_hourly_counts(value: object) -> TypeGuard[HourlyCounts]:
    """Return whether a value of the cache is what `_cache_counts` stores."""
    names = {name for name, *_ in STREAMS}
    if not isinstance(value, dict) or value.keys() != names:
        return False
    return all(hours is None or _are_counts(hours) for hours in value.values())


def _are_counts(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == WINDOW_HOURS
        and all(type(count) is int and count >= 0 for count in value)
    )


def _cache_counts(key: str, counts: HourlyCounts) -> None:
    try:
        cache.set(key, counts, CACHE_SECONDS)
    except CACHE_ERRORS as error:
        log.warning("dashboard.cache_away", error=str(error))


def _count_per_hour(
    model: type[models.Model], moment: str, now: datetime, roles: StaffRoles
) -> list[int] | None:
    first_hour = _list_hours(now)[0]
    recent = model._default_manager.filter(
        **{f"{moment}__gte": first_hour, f"{moment}__lte": now}
    )
    rows = (
        roles.restrict_rows(recent, "organization_id")
        .annotate(hour=TruncHour(moment))
        .values_list("hour")
        .annotate(rows=Count("*"))
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"
            )
            counts = dict(rows.order_by())
    except OperationalError:
        return None
    return [counts.get(hour, 0) for hour in _list_hours(now)]


def _list_hours(now: datetime) -> list[datetime]:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    return [this_hour - timedelta(hours=back) for back in reversed(range(WINDOW_HOURS))]


def _build_optimization_tiles(roles: StaffRoles) -> list[Tile]:
    present = Optimization.objects.filter(deleted_at=None)
    organizations = roles.restrict_rows(Organization.objects.all(), "id")
    counts = dict(
        roles.restrict_rows(present, "organization_id")
        .values_list("status")
        .annotate(rows=Count("*"))
        .order_by()
    )
    others = [
        f"{counts[status]} {status}"
        for status in Optimization.Status.values
        if counts.get(status) and status != Optimization.Status.LIVE
    ]
    live = counts.get(Optimization.Status.LIVE, 0)
    return [
        Tile(
            "Live optimizations",
            html.format_number(live),
            ", ".join(others) or "none in another status",
            html.build_list_url(Optimization, status__exact="live"),
        ),
        Tile(
            "Organizations",
            html.format_number(organizations.count()),
            "teams",
            html.build_list_url(Organization),
        ),
    ]


def _build_stream_tiles(counts: HourlyCounts) -> list[Tile]:
    return [
        Tile(
            name,
            "many"
            if (hours := counts[name]) is None
            else html.format_number(sum(hours)),
            "in the last 24 hours" if model is Decision else EVENTS_NOTE,
            html.build_list_url(model, since=WINDOW_HOURS),
        )
        for name, _, model, _ in STREAMS
    ]


def _build_failure_tile(now: datetime, roles: StaffRoles) -> Tile:
    recent_runs = roles.restrict_rows(
        TrainingRun.objects.filter(created_at__gte=now - timedelta(hours=WINDOW_HOURS)),
        "model__organization_id",
    )
    counts = dict(
        recent_runs.values_list("status").annotate(rows=Count("*")).order_by()
    )
    failed = counts.get(TrainingRun.Status.FAILED, 0)
    return Tile(
        "Failed trainings",
        html.format_number(failed),
        f"of {sum(counts.values())} in the last 24 hours",
        html.build_list_url(TrainingRun, status__exact="failed"),
    )


def build_chart(now: datetime, counts: HourlyCounts) -> dict[str, str]:
    """Return the data and the options of the Chart.js chart as JSON texts."""
    datasets = [
        {"label": name, "data": counts[name] or [], "backgroundColor": color}
        for name, _, _, color in STREAMS
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
    labels = [f"{hour:%H}:00" for hour in _list_hours(now)]
    return {
        "data": json.dumps({"labels": labels, "datasets": datasets}),
        "options": json.dumps(options),
    }


def _render_training_runs(roles: StaffRoles) -> SafeString | str:
    runs = roles.restrict_rows(
        TrainingRun.objects.select_related("model__optimization"),
        "model__organization_id",
    )
    newest = list(runs.order_by("-created_at", "-id")[:MAX_ROWS])
    if not newest:
        return "No training yet."
    return html.render_table(
        ("", "requested", "optimization", "error"),
        (
            (
                html.render_pill(run.status),
                html.render_link(run, f"{run.created_at:%m-%d %H:%M:%S}"),
                getattr(run.model, "optimization", html.NO_VALUE),
                run.error[:60],
            )
            for run in newest
        ),
    )


def _render_audit_entries(roles: StaffRoles) -> SafeString | str:
    entries = roles.restrict_rows(AuditEntry.objects.all(), "organization_id")
    newest = list(entries.order_by("-created_at", "-id")[:MAX_ROWS])
    if not newest:
        return "Nothing has changed yet."
    return html.render_table(
        ("when", "action", "target", "actor"),
        (
            (
                html.render_link(entry, f"{entry.created_at:%m-%d %H:%M:%S}"),
                entry.action,
                entry.target_name[:40],
                entry.actor_id[:24],
            )
            for entry in newest
        ),
    )
