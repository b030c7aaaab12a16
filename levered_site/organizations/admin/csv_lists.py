"""Lists that staff take away as CSV: the rows and columns that the API has."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from typing_extensions import override

from levered_site.admin import csv_download
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin.scope import OrganizationAdminMixin

MAX_ROWS = 5_000


class CsvListMixin(OrganizationAdminMixin):
    """A list with a link that downloads what it shows, by its search and filters."""

    csv_section: ClassVar[RowSection]
    list_after_template = "levered_admin/csv_list_link.html"

    def build_csv_rows(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows as the API's list represents them."""
        serializer: Any = self.csv_section.row_type
        represented: Sequence[Any] = serializer(rows, many=True).data
        return represented

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the download before the pages of rows, whose ids may be anything."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv_list"
        view = self.admin_site.admin_view(self.download_list)
        return [path("csv/", view, name=name), *super().get_urls()]

    def download_list(self, request: HttpRequest) -> HttpResponse:
        """Return the first rows of the list that the user sees."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(reverse(f"admin:{name}"))
        rows = list(changelist.get_queryset(request)[:MAX_ROWS])
        payload = {self.csv_section.name: self.build_csv_rows(rows)}
        names = self.organization_path.split("__")
        table = csv_download.add_organizations(
            csv_download.build_table(payload, self.csv_section),
            # What happened to the installation itself belongs to no organization.
            [str(reduce(getattr, names, row) or "") for row in rows],
        )
        return csv_download.build_download(table, self.csv_section.name)
