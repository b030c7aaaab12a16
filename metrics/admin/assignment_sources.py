"""Admin pages of assignment sources."""

from django.contrib import admin
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin
from metrics.models import AssignmentSource
from metrics.serializers import AssignmentSourceSerializer


@admin.register(AssignmentSource)
class AssignmentSourceAdmin(ReadOnlyAdmin, CsvListMixin):
    """Queries that read exposures from connected warehouses."""

    list_display = ("name", "organization", "is_default", "created_at", "updated_at")
    list_filter = ("is_default", ("organization", VisibleRowsFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    csv_section = RowSection("assignment_sources", AssignmentSourceSerializer)
    fields = (
        ("name", "organization", "is_default"),
        "query",
        "columns",
        ("created_at", "updated_at"),
    )

    @declare_column("SQL")
    def query(self, source: AssignmentSource) -> SafeString:
        """The customer's SQL."""
        return html.render_code_block(source.sql)

    @declare_column("Columns")
    def columns(self, source: AssignmentSource) -> SafeString:
        """The column of each field."""
        return html.render_table(("field", "column"), source.column_mapping.items())
