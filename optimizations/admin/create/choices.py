"""What a form may refer to: organizations of the user, and their metrics and sources."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet

from levered_site.organizations.models import Organization
from levered_site.organizations.staff_roles import StaffRoles
from metrics.models import AssignmentSource, Metric
from optimizations.admin.create.answers import NO_METRIC
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
    """Return the organization if the user may create in it; the only one without an id."""
    rows = roles.restrict_rows(Organization.objects.all(), "pk", "editor")
    if pk:
        return rows.filter(pk=pk).first()
    first = list(rows.order_by("name", "pk")[:2])
    return first[0] if len(first) == 1 else None


def load_organizations(roles: StaffRoles, chosen: str, search: str) -> Picker:
    """Return the organizations in which the user may create."""
    rows = roles.restrict_rows(Organization.objects.all(), "pk", "editor")
    found = rows.filter(Q(name__icontains=search) | Q(pk=search)) if search else rows
    return _build_picker(
        ("organization", "Organization"),
        rows,
        found,
        {chosen} - {""},
        search,
        lambda row: Choice(row.pk, row.name, row.pk, row.pk == chosen),
    )


def find_metric(organization_id: str, pk: str) -> Metric | None:
    """Return a metric of the organization; None for an id that is none of its."""
    return _metrics_of(organization_id).filter(pk__in=_read_uuids([pk])).first()


def load_metrics(organization_id: str, chosen: str, search: str) -> Picker:
    """Return the metrics that may reward, and the choice of none."""
    rows = _metrics_of(organization_id)
    picker = _build_picker(
        ("metric", "Metric"),
        rows,
        rows.filter(name__icontains=search),
        _read_uuids([chosen]),
        search,
        lambda metric: _describe_metric(metric, is_chosen=str(metric.pk) == chosen),
    )
    none = Choice(NO_METRIC, "No metric yet", NO_METRIC_NOTE, chosen == NO_METRIC)
    return _add_choice(picker, none)


def load_guardrails(organization_id: str, chosen: Sequence[str], search: str) -> Picker:
    """Return the metrics that may guard."""
    rows = _metrics_of(organization_id)
    return _build_picker(
        ("guardrails", "Guardrails"),
        rows,
        rows.filter(name__icontains=search),
        _read_uuids(chosen),
        search,
        lambda metric: _describe_metric(metric, is_chosen=str(metric.pk) in chosen),
    )


def list_guardrail_names(organization_id: str, chosen: Sequence[str]) -> list[str]:
    """Return the names of chosen guardrails."""
    rows = _metrics_of(organization_id).filter(pk__in=_read_uuids(chosen))
    return list(rows.order_by("name").values_list("name", flat=True))


def describe_counting(metric: Metric) -> str:
    """Return what a metric counts and which direction is good, in plain words."""
    text = f"{COUNTED[metric.reward_type]}; {DIRECTIONS[metric.direction]}"
    if not metric.outcomes:
        return text
    weights = ", ".join(
        f"{outcome['key']} {outcome['weight']:g}" for outcome in metric.outcomes
    )
    return f"{text} ({weights})"


def load_sources(organization_id: str) -> list[AssignmentSource]:
    """Return the assignment sources of a connected warehouse; none of the managed store."""
    if not connections.is_connected(organization_id):
        return []
    rows = AssignmentSource.objects.filter(organization_id=organization_id)
    return list(rows.order_by("-is_default", "name"))


def _metrics_of(organization_id: str) -> "QuerySet[Metric]":
    return Metric.objects.filter(organization_id=organization_id)


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
    rows: "QuerySet[Any]",
    found: "QuerySet[Any]",
    chosen: set[str],
    search: str,
    describe: Any,
) -> Picker:
    """Return a picker with what the search found, after what is chosen and not in it."""
    name, legend = titles
    rows_found = list(found.order_by("name", "pk")[: MOST_SHOWN + 1])
    has_more = len(rows_found) > MOST_SHOWN
    shown = rows_found[:MOST_SHOWN]
    missing = chosen.difference(str(row.pk) for row in shown)
    picked = rows.filter(pk__in=missing).order_by("name", "pk") if missing else ()
    return Picker(
        name=name,
        legend=legend,
        is_multiple=name == "guardrails",
        choices=[describe(row) for row in [*picked, *shown]],
        search=search,
        found=found.count() if has_more else len(shown),
        is_searchable=bool(search) or has_more,
    )


def _add_choice(picker: Picker, choice: Choice) -> Picker:
    return Picker(
        picker.name,
        picker.legend,
        picker.is_multiple,
        [*picker.choices, choice],
        picker.search,
        picker.found,
        picker.is_searchable,
    )
