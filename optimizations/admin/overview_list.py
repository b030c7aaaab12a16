"""The list of the overview: all optimizations of a user's organizations, page by page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.organizations.models import Organization
from levered_site.organizations.staff_roles import StaffRoles
from optimizations.admin import lift_chart, list_cells
from optimizations.admin.list_cells import ListedOptimization
from optimizations.admin.overview_filters import (
    HEALTHS,
    OverviewFilters,
    filter_rows,
    sort_rows,
)
from optimizations.models import Optimization, ResultsSummary, Variant
from optimizations.results.health import attention, health_queries

PAGE_SIZE = 50
MAX_CHOICES = 100  # organizations; more are found by the search
COLUMNS = (
    ("name", "Optimization"),
    ("status", "Status"),
    ("lift", "Lift"),
    ("health", "Health"),
    ("users", "Users, counted"),
    ("live", "Went live"),
)
# What the list reads. JSON of many variants, and SQL, would cost more than the page.
FIELDS = (
    *("name", "status", "went_live_at", "created_at", "retrain_every_minutes"),
    *("model", "organization__name", "reward_metric__name"),
    *("reward_metric__revision", "reward_metric__direction"),
    *(f"results_summary__{field.name}" for field in ResultsSummary._meta.fields),
)

Groups = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of a filter."""

    value: str
    title: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: a link that sorts by it; `order` is that of aria-sort."""

    title: str
    url: str
    order: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """One page of the list; `total` is of all pages, None where nobody counted."""

    rows: list[Any]
    number: int
    total: int | None
    has_next: bool

    @property
    def last(self) -> int | None:
        """The number of the last page."""
        return None if self.total is None else -(-self.total // PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One optimization of the list, rendered."""

    link: SafeString
    details: str
    status: SafeString
    lift: SafeString
    health: SafeString
    users: SafeString
    age: SafeString


def query_optimizations(roles: StaffRoles, now: datetime) -> QuerySet[Any]:
    """Return the optimizations that the user may view, with health and attention."""
    present = Optimization.objects.filter(deleted_at=None)
    visible = roles.restrict_rows(present, "organization_id")
    rows = health_queries.annotate_health(visible, now)
    return attention.annotate_attention(rows, now)


def count_groups(rows: QuerySet[Any]) -> Groups:
    """Return how many optimizations there are by status, health and attention."""
    groups = rows.order_by().values("status", "health", "attention")
    return list(groups.annotate(rows=Count("pk")))


def sum_by(groups: Groups, name: str) -> Counter[Any]:
    """Return the sums of the groups by one of their names."""
    sums: Counter[Any] = Counter()
    for group in groups:
        sums[group[name]] += group["rows"]
    return sums


def read_page(
    rows: QuerySet[Any], groups: Groups, filters: OverviewFilters
) -> OverviewPage:
    """Return the page that is asked for; one beyond the last is the last, if that is known."""
    last_number = Variant.objects.filter(optimization=OuterRef("pk")).order_by(
        "-number"
    )
    listed = sort_rows(select_fields(filter_rows(rows, filters)), filters).annotate(
        last_number=Subquery(last_number.values("number")[:1])
    )
    total = _sum_matching(groups, filters)
    last = max(1, -(-total // PAGE_SIZE)) if total is not None else filters.page
    number = min(max(filters.page, 1), last)
    start = (number - 1) * PAGE_SIZE
    found = list(listed[start : start + PAGE_SIZE + 1])
    if total is None and len(found) <= PAGE_SIZE and (found or number == 1):
        total = start + len(found)
    return OverviewPage(found[:PAGE_SIZE], number, total, len(found) > PAGE_SIZE)


def _sum_matching(groups: Groups, filters: OverviewFilters) -> int | None:
    """Return how many rows match, if the groups tell."""
    if filters.q or filters.organization:
        return None
    total: int = sum(group["rows"] for group in groups if _matches(group, filters))
    return total


def _matches(group: Mapping[str, Any], filters: OverviewFilters) -> bool:
    """Return whether the rows of a group match; see `overview_filters.filter_rows`."""
    if filters.status:
        is_of_status = group["status"] == filters.status
    else:
        is_of_status = group["status"] != Optimization.Status.ARCHIVED
    is_of_health = filters.health in {"", group["health"] or "none"}
    is_waiting = not filters.waiting or group["attention"] is not None
    return is_of_status and is_of_health and is_waiting


def select_fields(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Read no more of the rows than lists show."""
    related = ("organization", "reward_metric", "results_summary")
    return rows.select_related(*related).only(*FIELDS)


def render_rows(listed: Iterable[ListedOptimization], now: datetime) -> list[ListRow]:
    """Return the rows of the page."""
    return [_render_row(one, now) for one in listed]


def _render_row(listed: ListedOptimization, now: datetime) -> ListRow:
    row = listed.optimization
    details = [row.organization.name]
    if row.reward_metric is not None:
        details.append(row.reward_metric.name)
    details.append(f"{row.last_number or 0} variants")
    return ListRow(
        link=html.render_row_link(Optimization, row.pk, row.name),
        details=" · ".join(details),
        status=html.render_pill(row.status),
        lift=list_cells.render_lift(
            listed, is_less_better=lift_chart.is_less_better(row)
        ),
        health=list_cells.render_health(listed),
        users=list_cells.render_users(listed, now),
        age=list_cells.render_age(row, now),
    )


def list_columns(filters: OverviewFilters) -> list[Column]:
    """Return the heads of the columns."""
    return [
        Column(
            title,
            filters.build_sort_url(name),
            {name: "ascending", f"-{name}": "descending"}.get(filters.sort, "none"),
        )
        for name, title in COLUMNS
    ]


def list_status_choices(groups: Groups, chosen: str) -> list[Choice]:
    """Return the statuses that there are, with how many."""
    counts = sum_by(groups, "status")
    return [
        Choice(status, f"{status} ({counts[status]})", status == chosen)
        for status in Optimization.Status.values
        if counts[status] or status == chosen
    ]


def list_health_choices(groups: Groups, chosen: str) -> list[Choice]:
    """Return the healths that there are, with how many."""
    counts = sum_by(groups, "health")
    counts["none"] = counts.pop(None, 0)
    titles = {"none": "not judged yet"}
    return [
        Choice(name, f"{titles.get(name, name)} ({counts[name]})", name == chosen)
        for name in HEALTHS
        if counts[name] or name == chosen
    ]


def list_organization_choices(roles: StaffRoles, chosen: str) -> list[Choice]:
    """Return the user's organizations; none where there is one, or too many."""
    if not roles.is_superuser and len(roles.list_organizations()) < 2:
        return []
    visible = roles.restrict_rows(Organization.objects.all(), "pk")
    pairs = list(visible.order_by("name").values_list("pk", "name")[: MAX_CHOICES + 1])
    if not 1 < len(pairs) <= MAX_CHOICES:
        return []
    return [Choice(pk, name, pk == chosen) for pk, name in pairs]


def describe_count(page: OverviewPage, filters: OverviewFilters) -> str:
    """Return how many optimizations there are, or match what is asked for."""
    if page.total is None:
        return f"more than {page.number * PAGE_SIZE} found" if page.rows else ""
    noun = "optimization" if page.total == 1 else "optimizations"
    return f"{page.total} {noun}{' found' if filters.is_filtering else ''}"
