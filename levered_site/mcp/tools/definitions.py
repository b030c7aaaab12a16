"""Tool: define a metric or an assignment source, or try a metric before saving it."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from levered_site.errors import InvalidParametersError
from levered_site.mcp import confirmation, response_size
from levered_site.mcp.arguments import Confirm, IdempotencyKey, NestedInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool

DEFINITION_PATHS = {
    "metric": "/warehouse/metrics",
    "assignment_source": "/warehouse/assignment-sources",
}


class Mapping(NestedInput):
    """The columns of the SQL; a metric also has reward_type, and value if numeric."""

    anonymous_id: str
    timestamp: str
    value: str | None = None
    name: str | None = None
    reward_type: Literal["bool", "numeric"] | None = None
    optimization_id: str | None = None
    variant: str | None = None
    context: str | None = None
    policy_version: str | None = None


class Match(NestedInput):
    """Which rewards belong to an outcome."""

    by: Literal["name", "value"]
    value: str | float


class Outcome(NestedInput):
    """A way a visit may end, and what it is worth."""

    key: str
    weight: float
    match: Match


class DefineInput(Input):
    """A new definition, or with `id` a change of an existing one."""

    kind: Literal["metric", "assignment_source"] = "metric"
    id: UUID | None = Field(None, description="Change this one; absent: a new one.")
    name: str | None = None
    sql: str | None = Field(
        None,
        description="One SELECT; @start_date is bound. Managed: SELECT anonymous_id, "
        "timestamp_utc FROM managed_dw.rewards WHERE name = 'signup' AND timestamp_utc "
        ">= @start_date",
    )
    column_mapping: Mapping | None = Field(
        None,
        description="Metric: also reward_type, value? name?. Source: also optimization_id, "
        "variant, context? policy_version?.",
    )
    outcomes: list[Outcome] | None = None
    direction: Literal["increase", "decrease"] | None = None
    value_per_conversion: float | None = None
    currency: str | None = Field(None, description="ISO 4217, of that or of values.")
    default: bool | None = Field(
        None, description="Source: the organization's default."
    )
    try_only: bool = Field(
        default=False, description="Metric: run sql and column_mapping, save nothing."
    )
    idempotency_key: IdempotencyKey = None
    confirm: Confirm = False


def define_metric_or_source(api: Api, arguments: DefineInput) -> Json:
    """Try, create or change a definition; a change needs a confirm."""
    fields = arguments.dump_sent("kind", "id", "try_only", "idempotency_key", "confirm")
    if arguments.column_mapping is not None:
        fields["column_mapping"] = arguments.column_mapping.model_dump(
            exclude_none=True
        )
    if arguments.try_only:
        return _try_metric(api, arguments, fields)
    path = DEFINITION_PATHS[arguments.kind]
    if arguments.id is not None:
        return _change_definition(api, arguments, f"{path}/{arguments.id}", fields)
    return _create_definition(api, arguments, path, fields)


def _try_metric(api: Api, arguments: DefineInput, fields: Json) -> Json:
    if arguments.kind != "metric":
        raise InvalidParametersError.for_field(
            "try_only", "is for metrics only; a source is tried when it is saved"
        )
    body = {name: fields[name] for name in ("sql", "column_mapping") if name in fields}
    preview = api.post("/warehouse/preview", body | {"limit": 20})
    rows: list[Any] = preview.pop("rows")
    document = {
        "summary": f"The SQL runs and returns {preview['row_count']} rows. "
        f"{' '.join(preview['warnings']) or 'No warnings.'}",
        "done": False,
        "facts": preview,
        "next": "the same call without try_only saves the metric.",
    }
    return response_size.paginate_rows(document, "items", rows, None)


def _create_definition(
    api: Api, arguments: DefineInput, path: str, fields: Json
) -> Json:
    """Create a definition; a source that would count live traffic needs a confirm."""

    def post_definition(key: str | None = None) -> Json:
        return api.post(path, fields, idempotency_key=key)

    if arguments.kind == "assignment_source" and not arguments.confirm:
        source = confirmation.run_and_roll_back(api, post_definition)
        if source["default"]:
            would = (
                f"make {source['name']!r} the default source; optimizations that name "
                "no source count its exposures from their next refresh."
            )
            return confirmation.ask_to_confirm(
                would, default=[_find_default_source(api), source["name"]]
            )
    definition = post_definition(arguments.idempotency_key)
    return _describe_saved(arguments, definition, "Defined")


def _find_default_source(api: Api) -> str | None:
    """Return the name of the default source, looked for among the newest 100."""
    page = api.get(DEFINITION_PATHS["assignment_source"], limit=100)
    sources = page["assignment_sources"]
    return next((source["name"] for source in sources if source["default"]), None)


def _change_definition(
    api: Api, arguments: DefineInput, path: str, fields: Json
) -> Json:
    before = api.get(path)

    def patch_definition() -> Json:
        return api.patch(path, fields)

    if not arguments.confirm:
        after = confirmation.run_and_roll_back(api, patch_definition)
        would = (
            f"change {before['name']!r}; optimizations that use it count by the new "
            "definition from their next refresh."
        )
        return confirmation.ask_to_confirm_difference(would, before, after)
    return _describe_saved(arguments, patch_definition(), "Changed")


def _describe_saved(arguments: DefineInput, definition: Json, verb: str) -> Json:
    look = "metrics" if arguments.kind == "metric" else "sources"
    return {
        "summary": f"{verb} {arguments.kind} {definition['name']!r}.",
        "done": True,
        "definition": response_size.drop_field(definition, "sql"),
        "next": f"explore_warehouse (look: preview, of: {look}) shows its rows; "
        "create_optimization uses a metric by reward_metric_id.",
    }


TOOL = Tool(
    name="define_metric",
    title="Define a metric or an assignment source",
    description="Define what counts as success (kind metric), or where a connected "
    "warehouse keeps exposures (kind assignment_source): SQL and which column is what. "
    "The SQL is checked and run when saved; an error names its columns. id changes an "
    "existing definition (confirm: true); try_only saves nothing.",
    input_model=DefineInput,
    answer_fields={
        "done": "b",
        "definition": "o",
        "changes": "o",
        "facts": "o",
        "items": "a",
        "total": "i",
        "next_cursor": "s?",
    },
    run=define_metric_or_source,
    is_destructive=True,
)
