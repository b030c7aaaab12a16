"""What the overview's list was asked for: filters, a search, an order, a page."""

from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from optimizations.models import Optimization

Status = Optimization.Status
# Names of healths in queries; "none" has nothing to judge.
HEALTHS = ("broken", "warning", "ok", "none")
# The healths in the order of what is worse.
HEALTH_RANK = Case(
    When(health="broken", then=Value(0)),
    When(health="warning", then=Value(1)),
    When(health="ok", then=Value(2)),
    default=None,
)
# A lift that is withheld has no place in the order either.
SHOWN_LIFT = Case(
    When(health="broken", then=Value(None)), default=F("results_summary__lift")
)
SORTS: dict[str, Any] = {
    "name": F("name"),
    "status": F("status"),
    "lift": SHOWN_LIFT,
    "health": HEALTH_RANK,
    "users": F("results_summary__users"),
    "live": F("went_live_at"),
}
SECTION = "#optimizations"
MAX_SEARCH = 200


@dataclass(frozen=True, slots=True)
class OverviewFilters:
    """A query of the list; what is empty does not filter.

    `sort` is a name in SORTS, after a minus if the largest come first.
    """

    q: str = ""
    status: str = ""
    health: str = ""
    organization: str = ""
    waiting: str = ""
    sort: str = ""
    page: int = 1

    @property
    def is_filtering(self) -> bool:
        """Return whether any row may be left out that the list shows at first."""
        return bool(
            self.q or self.status or self.health or self.organization or self.waiting
        )

    def build_url(self, **changes: Any) -> str:
        """Return the address of the list with these changes, from its first page on."""
        values = asdict(replace(self, **{"page": 1, **changes}))
        given = {name: value for name, value in values.items() if value not in ("", 1)}
        query = f"?{urlencode(given)}" if given else ""
        return f"{reverse('admin:index')}{query}{SECTION}"

    def build_sort_url(self, name: str) -> str:
        """Return the address sorted by a column, the other way round if it is already."""
        return self.build_url(sort=f"-{name}" if self.sort == name else name)


def read_filters(request: HttpRequest) -> OverviewFilters:
    """Return what the request asks for; what there is not is left out."""
    given = request.GET
    page = given.get("page", "")
    return OverviewFilters(
        q=given.get("q", "").replace("\0", "").strip()[:MAX_SEARCH],
        status=_keep_known(given.get("status", ""), Status.values),
        health=_keep_known(given.get("health", ""), HEALTHS),
        organization=given.get("organization", "").replace("\0", "")[:MAX_SEARCH],
        waiting=_keep_known(given.get("waiting", ""), ("yes",)),
        sort=_keep_known(given.get("sort", ""), [*SORTS, *(f"-{s}" for s in SORTS)]),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )


def _keep_known(value: str, known: Any) -> str:
    return value if value in known else ""


def filter_rows(rows: QuerySet[Any], filters: OverviewFilters) -> QuerySet[Any]:
    """Return the rows that are asked for; archived ones only where they are asked for."""
    if filters.status:
        rows = rows.filter(status=filters.status)
    else:
        rows = rows.exclude(status=Status.ARCHIVED)
    if filters.health:
        rows = rows.filter(health=None if filters.health == "none" else filters.health)
    if filters.organization:
        rows = rows.filter(organization=filters.organization)
    if filters.waiting:
        rows = rows.filter(attention__isnull=False)
    return rows.filter(_build_search(filters.q)) if filters.q else rows


def _build_search(text: str) -> Q:
    """Search names of optimizations and organizations, and exact ids of both."""
    found = Q(name__icontains=text) | Q(organization__name__icontains=text)
    found |= Q(organization=text)
    try:
        return found | Q(pk=UUID(text))
    except ValueError:
        return found


def sort_rows(rows: QuerySet[Any], filters: OverviewFilters) -> QuerySet[Any]:
    """Return the rows in order; those without a value come last either way."""
    if not filters.sort:
        return rows.order_by("-updated_at", "-pk")
    column = SORTS[filters.sort.removeprefix("-")]
    is_falling = filters.sort.startswith("-")
    order = (column.desc if is_falling else column.asc)(nulls_last=True)
    return rows.order_by(order, "-updated_at", "-pk")
