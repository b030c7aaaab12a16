"""The form of a metric: its fields are those of the API's body."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.utils.html import format_html, format_html_join
from typing_extensions import override
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from levered_site.admin.api_forms import ApiForm
from levered_site.admin.body_fields import BodyChoiceField
from levered_site.admin.row_fields import BodyRowsField, RowColumn
from levered_site.admin.serializer_fields import make_field
from levered_site.errors import FieldProblem
from metrics.models import Metric
from metrics.serializers import MetricBodySerializer

make_metric_field = partial(make_field, MetricBodySerializer)

REWARD_TYPES = (
    ("bool", "Conversion: a user did it, or did not"),
    ("numeric", "Amount: the values of a user are added up"),
)
DIRECTIONS = (
    (Metric.Direction.INCREASE, "More is better"),
    (Metric.Direction.DECREASE, "Less is better"),
)
MATCHED_BY = (("name", "the name column"), ("value", "the value column"))
OUTCOME_COLUMNS = (
    RowColumn("key", "Outcome", hint="upgrade"),
    RowColumn("value", "Where the column holds", hint="plan_upgraded"),
    RowColumn("weight", "Weight", is_number=True, hint="1"),
)
EXAMPLE_SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards\n"
    "WHERE name = 'purchase' AND timestamp_utc >= @start_date"
)
NEW_PERIOD = "A change starts a new measuring period."
LINE_IN_MESSAGE = re.compile(r"\bline (\d+)")
MAX_QUOTED = 120  # characters of a line


class MetricForm(ApiForm):
    """What a metric is called, the SQL that returns its rewards, and how they count.

    A field of the API needs a line here, and its name in `metric_layout`.
    """

    serializer_class = MetricBodySerializer

    name = make_metric_field("name", help_text="Reports and charts show it.")
    sql = make_metric_field(
        "sql",
        label="SQL",
        widget=UnfoldAdminTextareaWidget(
            attrs={
                "rows": 9,
                "class": "staff-sql",
                "spellcheck": "false",
                "placeholder": EXAMPLE_SQL,
            }
        ),
        help_text=(
            "One SELECT with a row for each reward. It reads <code>managed_dw.rewards"
            "</code>, or your own tables where a warehouse is connected. Levered puts "
            "the time that counting begins with in place of <code>@start_date</code>. "
            + NEW_PERIOD
        ),
    )
    id_column = make_metric_field(
        "column_mapping.anonymous_id",
        label="Column of the visitor's id",
        initial="anonymous_id",
        help_text="The same ids as in exposures.",
    )
    time_column = make_metric_field(
        "column_mapping.timestamp",
        label="Column of the time",
        initial="timestamp_utc",
        help_text="When the reward happened.",
    )
    value_column = make_metric_field(
        "column_mapping.value",
        label="Column of the value",
        help_text="An amount needs it. A conversion does not.",
    )
    name_column = make_metric_field(
        "column_mapping.name",
        label="Column of the name",
        help_text="Only outcomes that are told apart by a name need it.",
    )
    reward_type = make_metric_field(
        "column_mapping.reward_type",
        label="Type",
        choices=REWARD_TYPES,
        initial="bool",
        help_text="You cannot change it while an optimization uses the metric.",
    )
    direction = make_metric_field(
        "direction",
        choices=DIRECTIONS,
        initial=Metric.Direction.INCREASE,
        help_text="Fixed once an optimization goes live with the metric as its reward.",
    )
    look_back_days = make_metric_field(
        "look_back_days",
        label="Days to look back",
        initial=0,
        help_text="How many days before going live <code>@start_date</code> reaches; "
        f"usually 0. {NEW_PERIOD}",
    )
    value_per_conversion = make_metric_field(
        "value_per_conversion",
        label="Value of a conversion",
        help_text="What one conversion is worth, such as 12.50. Pages then show money "
        "beside conversions. It changes no count.",
    )
    currency = make_metric_field(
        "currency",
        help_text="Its code, such as EUR. An amount needs only this.",
    )
    outcome_by = BodyChoiceField(
        label="Told apart by",
        required=False,
        initial="name",
        widget=UnfoldAdminSelectWidget(choices=MATCHED_BY),
    )
    outcomes = BodyRowsField(
        OUTCOME_COLUMNS,
        item="outcome",
        required=False,
        help_text="Leave it empty for a plain conversion or amount. With outcomes a user "
        "counts the weight of the first one that they reach, and 0 without one. At least "
        "two. Fixed once an optimization goes live with the metric as its reward.",
    )
    outcomes.api_path = "outcomes"

    @override
    def get_serializer_context(self) -> dict[str, Any]:
        return {"metric": None if self.is_new else self.instance}

    @classmethod
    @override
    def read_object(cls, instance: Metric) -> dict[str, Any]:
        outcomes = instance.outcomes or []
        return super().read_object(instance) | {
            "outcomes": [
                {
                    "key": outcome["key"],
                    "value": outcome["match"]["value"],
                    "weight": outcome["weight"],
                }
                for outcome in outcomes
            ],
            "outcome_by": outcomes[0]["match"]["by"] if outcomes else "name",
        }

    @override
    def build_body(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        if names is not None and "outcome_by" in names:
            names = (*names, "outcomes")
        body = super().build_body(names)
        if body.get("outcomes"):
            by = self.cleaned_data.get("outcome_by", "")
            body["outcomes"] = [_build_outcome(row, by) for row in body["outcomes"]]
        return body

    @override
    def describe_problem(self, name: str, problem: FieldProblem) -> str:
        """Add the line of the SQL that the message speaks of."""
        message = super().describe_problem(name, problem)
        sql = self.data.get("sql", "") if name == "sql" else ""
        lines = quote_lines(message, sql)
        code = format_html_join("", '<code class="staff-line">{}</code>', zip(lines))
        return format_html("{}{}", message, code)


def _build_outcome(row: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Return a row as the API takes it, without what is missing."""
    outcome = {key: row[key] for key in ("key", "weight") if key in row}
    match: dict[str, Any] = {"by": by}
    if "value" in row:
        match["value"] = row["value"]
    return {**outcome, "match": match}


def quote_lines(message: str, sql: str) -> list[str]:
    """Return the lines of a query that a message names, each with its number."""
    lines = sql.splitlines()
    numbers = dict.fromkeys(int(number) for number in LINE_IN_MESSAGE.findall(message))
    return [
        f"{number} | {lines[number - 1][:MAX_QUOTED]}"
        for number in numbers
        if 0 < number <= len(lines)
    ]
