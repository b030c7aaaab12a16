"""Staff pages of partitioned tables: found by exact ids, never counted, never slow."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.paginator import InfinitePaginator

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin

STATEMENT_TIMEOUT_MILLISECONDS = 8000
MAX_ID = 2**63 - 1
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class AgeFilter(admin.SimpleListFilter):
    """Rows not older than that: partitions of other days are not touched."""

    title = "age"
    parameter_name = "since"

    @override
    def __init__(
        self, request: HttpRequest, params: Any, model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.moment: str = model_admin.moment

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return (("1", "Last hour"), ("24", "Last 24 hours"), ("168", "Last 7 days"))

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        hours = self.value()
        if hours is None or not hours.isdecimal() or len(hours) > 4:
            return queryset
        after = timezone.now() - timedelta(hours=int(hours))
        return queryset.filter(**{f"{self.moment}__gte": after})


class PartitionedTableAdmin(ReadOnlyAdmin):
    """A table partitioned by time: newest first, found by ids, paged without counting.

    `moment` names the time that it is partitioned by. A row's address holds its moment,
    because the id alone would have to be looked for in every partition.
    """

    moment = "created_at"
    paginator = InfinitePaginator
    list_display_links = None
    list_filter: tuple[Any, ...] = (AgeFilter,)
    search_fields = ("optimization_id", "anonymous_id")
    search_help_text = (
        "An optimization's id, a visitor's anonymous id, or both with a space between; "
        "exactly as they are."
    )

    @override
    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By the key that the partitions are made of: no sorting, no counting."""
        return (f"-{self.moment}", "-id")

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look ids up exactly: they are indexed, parts of them are not."""
        first, _, rest = search_term.strip().partition(" ")
        if not first:
            return queryset, False
        try:
            queryset = queryset.filter(optimization_id=uuid.UUID(first))
        except ValueError:
            return self.filter_by_visitor(request, queryset, search_term.strip()), False
        return (queryset.filter(anonymous_id=rest) if rest else queryset), False

    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Rows of a visitor in whatever optimization, by way of an index."""
        raise NotImplementedError

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask the database for a short answer only; say so when there is none."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"
                )
                page: Any = super().changelist_view(request, extra_context)
                return page.render() if isinstance(page, TemplateResponse) else page
        except OperationalError:
            messages.error(request, "That takes too long: search for an id first.")
            return HttpResponseRedirect(reverse("admin:index"))

    @declare_column("When")
    def when(self, row: Any) -> SafeString:
        """Its moment, and the way to it."""
        at: datetime = getattr(row, self.moment)
        address = f"{(at - EPOCH) // MICROSECOND}-{row.pk}"
        return html.render_row_link(self.model, address, f"{at:%Y-%m-%d %H:%M:%S}")

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Find the row of an address made by `when`."""
        found = re.fullmatch(r"(-?\d{1,18})-(\d{1,19})", object_id)
        if found is None or int(found[2]) > MAX_ID:
            return None
        at = EPOCH + int(found[1]) * MICROSECOND
        rows = self.get_queryset(request)
        return rows.filter(**{self.moment: at, "pk": int(found[2])}).first()
