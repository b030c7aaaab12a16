"""Base classes of admin pages for partitioned tables.

They search by exact id, count no rows and have a time limit.
"""

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
from psycopg.errors import QueryCanceled
from typing_extensions import override
from unfold.paginator import InfinitePaginator

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin

STATEMENT_TIMEOUT_MILLISECONDS = 8000
MAX_BIGINT = 2**63 - 1
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class AgeFilter(admin.SimpleListFilter):
    """Filter rows by age, so that Postgres skips the partitions of older days."""

    title = "age"
    parameter_name = "since"

    @override
    def __init__(
        self, request: HttpRequest, params: Any, model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.time_field: str = model_admin.time_field

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return (("1", "Last hour"), ("24", "Last 24 hours"), ("168", "Last 7 days"))

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        hours = self.value()
        if hours is None or not hours.isdecimal() or len(hours) > 4:
            return queryset
        after = timezone.now() - timedelta(hours=int(hours))
        return queryset.filter(**{f"{self.time_field}__gte": after})


class PartitionedTableAdmin(ReadOnlyAdmin):
    """Base page of a table partitioned by time.

    It shows the newest rows first, searches by id and has no total count. `time_field`
    names the field that the table is partitioned by. The URL of a row holds its time,
    because with the id alone Postgres would search every partition.
    """

    time_field = "created_at"
    paginator = InfinitePaginator
    list_display_links = None
    list_filter: tuple[Any, ...] = (AgeFilter,)
    search_fields = ("optimization_id", "anonymous_id")
    search_help_text = (
        "The id of an optimization, the anonymous id of a visitor, or both with a "
        "space between. Only exact ids match."
    )

    @override
    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the order of the partition key, so that Postgres need not sort."""
        return (f"-{self.time_field}", "-id")

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by whole ids, because there is no index on parts of an id."""
        first_word, _, anonymous_id = search_term.strip().partition(" ")
        if not first_word:
            return queryset, False
        try:
            queryset = queryset.filter(optimization_id=uuid.UUID(first_word))
        except ValueError:
            return self.filter_by_visitor(request, queryset, search_term.strip()), False
        if anonymous_id:
            queryset = queryset.filter(anonymous_id=anonymous_id)
        return queryset, False

    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Return a user's rows in every optimization. An override must use an index."""
        raise NotImplementedError

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, or the index with a message if a query takes over 8 s."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"
                )
                page: Any = super().changelist_view(request, extra_context)
                return page.render() if isinstance(page, TemplateResponse) else page
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            messages.error(
                request, "The list takes too long to load: search for an id first."
            )
            return HttpResponseRedirect(reverse("admin:index"))

    @declare_column("When")
    def time_link(self, row: Any) -> SafeString:
        """Return the time of the row, linked to its page."""
        time: datetime = getattr(row, self.time_field)
        url_key = f"{(time - EPOCH) // MICROSECOND}-{row.pk}"
        text = f"{time:%Y-%m-%d %H:%M:%S}"
        return html.render_row_link(self.model, url_key, text)

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the row of a URL that `time_link` made; None if there is none."""
        match = re.fullmatch(
            r"(?P<microseconds>-?\d{1,18})-(?P<pk>\d{1,19})", object_id
        )
        if match is None or int(match["pk"]) > MAX_BIGINT:
            return None
        try:
            time = EPOCH + int(match["microseconds"]) * MICROSECOND
        except OverflowError:  # after the year 9999, or before the year 1
            return None
        rows = self.get_queryset(request)
        return rows.filter(**{self.time_field: time, "pk": int(match["pk"])}).first()
