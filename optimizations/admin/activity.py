"""The last 24 hours on the overview: decisions and events by hour, trainings, changes.

The page loads them after everything else, because large tables take seconds to count.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import structlog
from django.core.cache import cache
from django.db import OperationalError, connection, models, transaction
from django.db.models import CharField, Count, Value
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.hourly_bars import HourlySeries, build_hourly_bars
from levered_site.organizations import audit_words
from levered_site.organizations.admin import get_staff_roles
from levered_site.organizations.models import AuditEntry
from levered_site.organizations.staff_roles import StaffRoles
from models_app.models import TrainingRun
from optimizations.models import Decision
from optimizations.sharing import links
from warehouse.models import ManagedExposure, ManagedReward

WINDOW_HOURS = 24
MAX_ROWS = 8
CACHE_SECONDS = 60
STATEMENT_TIMEOUT_MILLISECONDS = 3000
STREAMS: tuple[tuple[str, str, type[models.Model]], ...] = (
    ("Decisions", "decided_at", Decision),
    ("Exposures", "timestamp_utc", ManagedExposure),
    ("Rewards", "timestamp_utc", ManagedReward),
)
HEADING = Heading(
    "by-hour",
    "Decisions and events of the last 24 hours",
    "Decisions, and exposures and rewards that were sent in, by hour (UTC). Each row has "
    "a scale of its own.",
)
TOO_MANY = (
    "There are so many that counting them takes too long: open the lists instead."
)

HourlyCounts = dict[str, list[int]]

log = structlog.get_logger(__name__)


def show_activity(request: HttpRequest) -> HttpResponse:
    """Answer with the part of the overview that it loads last."""
    roles = get_staff_roles(request)
    now = timezone.now()
    context = {
        "chart": format_html("{}", draw_activity(now, load_hourly_counts(now, roles))),
        "lists": [
            html.render_list_link(model, name, since=WINDOW_HOURS)
            for name, _, model in STREAMS
        ],
        "training_runs": _render_training_runs(roles),
        "audit_entries": _render_audit_entries(roles),
    }
    return render(request, "levered_admin/activity.html", context)


def load_hourly_counts(now: datetime, roles: StaffRoles) -> HourlyCounts | None:
    """Return the hourly counts of decisions and events of 24 hours, oldest first.

    Only those of the user's organizations. Cached for a minute, where there is a cache.
    None if they take more than 3 s.
    """
    key = f"levered:overview:{_name_scope(roles)}:{now:%Y%m%d%H%M}"
    counts = _read_cached_counts(key)
    if counts is None:
        counts = _count_per_hour(now, roles)
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
        log.warning("activity.cache_away", error=str(error))
        return None
    return counts if _are_hourly_counts(counts) else None


def _are_hourly_counts(value: object) -> TypeGuard[HourlyCounts]:
    """Return whether a value of the cache is what `_cache_counts` stores."""
    names = {name for name, *_ in STREAMS}
    if not isinstance(value, dict) or value.keys() != names:
        return False
    return all(map(_are_counts, value.values()))


def _are_counts(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == WINDOW_HOURS
        and all(type(count) is int and count >= 0 for count in value)
    )


def _cache_counts(key: str, counts: HourlyCounts | None) -> None:
    try:
        cache.set(key, counts, CACHE_SECONDS)
    except CACHE_ERRORS as error:
        log.warning("activity.cache_away", error=str(error))


def _count_per_hour(now: datetime, roles: StaffRoles) -> HourlyCounts | None:
    first, *others = (
        _query_stream(name, moment, model, now, roles)
        for name, moment, model in STREAMS
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"
            )
            found = {
                (row["stream"], row["hour"]): row["rows"]
                for row in first.union(*others, all=True)
            }
    except OperationalError:
        return None
    hours = _list_hours(now)
    return {
        name: [found.get((name, hour), 0) for hour in hours] for name, *_ in STREAMS
    }


def _query_stream(
    name: str, moment: str, model: type[models.Model], now: datetime, roles: StaffRoles
) -> Any:
    recent = model._default_manager.filter(
        **{f"{moment}__gte": _list_hours(now)[0], f"{moment}__lte": now}
    )
    return (
        roles.restrict_rows(recent, "organization_id")
        .order_by()
        .annotate(stream=Value(name, output_field=CharField()), hour=TruncHour(moment))
        .values("stream", "hour")
        .annotate(rows=Count("*"))
    )


def _list_hours(now: datetime) -> list[datetime]:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    return [this_hour - timedelta(hours=back) for back in reversed(range(WINDOW_HOURS))]


def draw_activity(now: datetime, counts: HourlyCounts | None) -> Element:
    """Return the counts by hour as a chart, or why there is none."""
    if counts is None:
        return build_sentence(HEADING, TOO_MANY)
    hours = [f"{hour:%H}:00" for hour in _list_hours(now)]
    series = [
        HourlySeries(f"{name}: {sum(counts[name]):,}", counts[name])
        for name, *_ in STREAMS
    ]
    return build_hourly_bars(HEADING, hours, series)


def _render_training_runs(roles: StaffRoles) -> SafeString | str:
    runs = roles.restrict_rows(
        TrainingRun.objects.select_related("model__optimization"),
        "model__organization_id",
    )
    newest = list(runs.order_by("-created_at", "-id")[:MAX_ROWS])
    if not newest:
        return "No training yet."
    return html.render_table(
        ("status", "requested", "optimization", "error"),
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
    changes = AuditEntry.objects.exclude(action=links.OPENED)
    entries = roles.restrict_rows(changes, "organization_id")
    newest = list(entries.order_by("-created_at", "-id")[:MAX_ROWS])
    if not newest:
        return "Nothing has changed yet."
    return html.render_table(
        ("when", "what", "on", "who"),
        (
            (
                html.render_link(entry, f"{entry.created_at:%m-%d %H:%M:%S}"),
                audit_words.describe_action(entry.action),
                entry.target_name[:40],
                audit_words.describe_actor(entry.actor_kind, entry.actor_id)[:40],
            )
            for entry in newest
        ),
    )
