"""The preview of a metric's form: what its SQL finds, before it is saved."""

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.admin.pages import validate_serializer
from levered_site.errors import LeveredError
from metrics import preview
from metrics.admin.metric_form import MetricForm
from metrics.models import Metric
from warehouse import connections
from warehouse.backends import query_validation
from warehouse.backends.query_results import MetricFacts
from warehouse.previews import MetricPreview

SHOWN_ROWS = 5
# What a preview depends on; errors of other fields wait until the form is sent.
PREVIEWED_FIELDS = (
    *("sql", "id_column", "time_column", "value_column", "name_column"),
    *("reward_type", "look_back_days", "outcome_by", "outcomes"),
)
UNNAMED = "preview"
WRITE_SQL = "Write the SQL to see what it finds."
CORRECT_FIELDS = "Correct the fields to see what the SQL finds."
CHOOSE_ORGANIZATION = "Choose the organization first."
PRESS_PREVIEW = (
    "The SQL runs in the organization's own warehouse, which may cost money, so it does "
    "not run while you type: press “Preview”."
)


@dataclass(frozen=True, slots=True)
class FormPreview:
    """What a preview shows: rows and facts, or why there are none."""

    facts: MetricFacts | None = None
    found: MetricPreview | None = None
    note: str = ""

    @property
    def match_percent(self) -> str:
        """The share of the ids that have an exposure, as a percentage."""
        rate = self.found.match_rate if self.found else None
        return "" if rate is None else html.format_percent(100 * rate)

    @property
    def table(self) -> SafeString | str:
        """The first rows."""
        if self.found is None or not self.found.rows:
            return ""
        return html.render_table(self.found.columns, self.found.rows[:SHOWN_ROWS])


def preview_form(form: MetricForm, organization_id: str, *, asked: bool) -> FormPreview:
    """Run the SQL of a form and return what it finds.

    What is wrong with the fields is added to the form's errors. `asked` is whether
    somebody pressed the button: a warehouse of one's own is not queried otherwise.
    """
    if note := _find_obstacle(form, organization_id, asked=asked):
        return FormPreview(note=note)
    try:
        with query_validation.translate_query_failures():
            metric = Metric(organization_id=organization_id, **_read_metric(form))
            return FormPreview(*preview.preview_with_facts(metric, SHOWN_ROWS))
    except LeveredError as error:
        if not error.details:
            return FormPreview(note=error.message)
        form.add_failure(error)
        return FormPreview(note=CORRECT_FIELDS)


def _find_obstacle(form: MetricForm, organization_id: str, *, asked: bool) -> str:
    """Return why the SQL is not run, "" where nothing speaks against it."""
    form.is_valid()
    if not form.data.get("sql", "").strip():
        form.errors.clear()
        return WRITE_SQL
    _keep_previewed_errors(form)
    if form.errors:
        return CORRECT_FIELDS
    if not organization_id:
        return CHOOSE_ORGANIZATION
    if not asked and connections.is_connected(organization_id):
        return PRESS_PREVIEW
    return ""


def _keep_previewed_errors(form: MetricForm) -> None:
    for name in set(form.errors) - set(PREVIEWED_FIELDS):
        del form.errors[name]


def _read_metric(form: MetricForm) -> dict[str, Any]:
    """Return the fields of the metric as it would be saved, whatever its name is."""
    body = {**form.build_body(), "name": UNNAMED}
    body.pop("direction", None)
    return validate_serializer(form.serializer_class(data=body))
