"""What a form may refer to: organizations of the user, and their metrics and sources."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Window

from levered_site.organizations.models import Organization
from levered_site.organizations.staff_roles import StaffRoles
from metrics.models import AssignmentSource, Metric
from optimizations.admin.create.answers import NO_METRIC, Goal
from warehouse import connections

MOST_SHOWN: Final = 8
DIRECTIONS: Final = {"increase": "more is better", "decrease": "less is better"}
COUNTED: Final = {
    "bool": "counts users with at least one reward",
    "numeric": "sums an amount per user",
    "outcomes": "weighs the outcome of each user",
}
NO_METRIC_NOTE: Final = "The optimization stays a draft until it has a metric."


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: its value and name, what it means, and the SQL behind it."""

    value: str
    title: str
    note: str
    is_chosen: bool
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Picker:
    """A list of choices with a search where there are more than are shown."""

    name: str
    legend: str
    is_multiple: bool
    choices: Sequence[Choice]
    search: str
    found: int
    is_searchable: bool


def find_organization(roles: StaffRoles, pk: str) -> Organization | None:
    """Return the organization if the user may create in it; the only one without an id.

    Its connection comes with it.
    """
    rows = roles.restrict_rows(Organization.objects.all(), "pk", "editor")
    rows = rows.select_related("connection")
    if pk:
        return rows.filter(pk=pk).first()
    first = list(rows.order_by("name", "pk")[:2])
    return first[0] if len(first) == 1 else None


def load_organizations(
    roles: StaffRoles, chosen: Organization | None, search: str
) -> Picker:
    """Return the organizations in which the user may create."""
    rows = roles.restrict_rows(Organization.objects.all(), "pk", "editor")
    found = rows.filter(Q(name__icontains=search) | Q(pk=search)) if search else rows
    return _build_picker(
        ("organization", "Organization"),
        found,
        [chosen] if chosen else [],
        search,
        lambda row: Choice(row.pk, row.name, row.pk, row == chosen),
    )


def find_metrics(organization_id: str, ids: Iterable[str]) -> list[Metric]:
    """Return the metrics of the organization with these ids, by name."""
    rows = Metric.objects.filter(organization_id=organization_id)
    found = _read_uuids(ids)
    return list(rows.filter(pk__in=found).order_by("name", "pk")) if found else []


def load_metrics(
    organization_id: str, goal: Goal, chosen: Metric | None, search: str
) -> Picker:
    """Return the metrics that may reward, and the choice of none."""
    picker = _build_picker(
        ("metric", "Metric"),
        _search_metrics(organization_id, search),
        [chosen] if chosen else [],
        search,
        lambda metric: _describe_metric(metric, is_chosen=metric == chosen),
    )
    is_none = goal.metric == NO_METRIC
    none = Choice(NO_METRIC, "No metric yet", NO_METRIC_NOTE, is_none)
    return replace(picker, choices=[*picker.choices, none])


def load_guardrails(
    organization_id: str, chosen: Sequence[Metric], search: str
) -> Picker:
    """Return the metrics that may guard."""
    return _build_picker(
        ("guardrails", "Guardrails"),
        _search_metrics(organization_id, search),
        chosen,
        search,
        lambda metric: _describe_metric(metric, is_chosen=metric in chosen),
    )


def describe_counting(metric: Metric) -> str:
    """Return what a metric counts and which direction is good, in plain words."""
    text = f"{COUNTED[metric.reward_type]}; {DIRECTIONS[metric.direction]}"
    if not metric.outcomes:
        return text
    weights = ", ".join(
        f"{outcome['key']} {outcome['weight']:g}" for outcome in metric.outcomes
    )
    return f"{text} ({weights})"


def is_connected(organization: Organization | None) -> bool:
    """Return whether the events of an organization are in a warehouse of its own."""
    return connections.is_external(getattr(organization, "connection", None))


def load_sources(organization: Organization | None) -> list[AssignmentSource]:
    """Return the assignment sources of a connected warehouse; none of the managed store."""
    if organization is None or not is_connected(organization):
        return []
    rows = AssignmentSource.objects.filter(organization=organization)
    return list(rows.order_by("-is_default", "name"))


def _search_metrics(organization_id: str, search: str) -> "QuerySet[Metric]":
    rows = Metric.objects.filter(organization_id=organization_id)
    return rows.filter(name__icontains=search)


def _describe_metric(metric: Metric, *, is_chosen: bool) -> Choice:
    note = describe_counting(metric)
    return Choice(str(metric.pk), metric.name, note, is_chosen, metric.sql)


def _read_uuids(texts: Iterable[str]) -> set[str]:
    """Return the texts that are ids; a sent form may hold anything."""
    ids = set()
    for text in texts:
        try:
            ids.add(str(uuid.UUID(text)))
        except ValueError:
            continue
    return ids


def _build_picker(
    titles: tuple[str, str],
    found: "QuerySet[Any]",
    chosen: Sequence[Any],
    search: str,
    describe: Callable[[Any], Choice],
) -> Picker:
    """Return a picker with what the search found, after what is chosen and not in it."""
    name, legend = titles
    counted = found.annotate(found_count=Window(Count("pk")))
    rows_found = list(counted.order_by("name", "pk")[: MOST_SHOWN + 1])
    shown = rows_found[:MOST_SHOWN]
    picked = [row for row in chosen if row not in shown]
    return Picker(
        name=name,
        legend=legend,
        is_multiple=name == "guardrails",
        choices=[describe(row) for row in [*picked, *shown]],
        search=search,
        found=rows_found[0].found_count if rows_found else 0,
        is_searchable=bool(search) or len(rows_found) > MOST_SHOWN,
    )
