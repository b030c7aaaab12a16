"""Tool: define what success is, or where exposures live; try it first."""

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
    """Which column of the SQL is what; metric: reward_type, and value for numeric."""

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
    """Which rewards are of an outcome."""

    by: Literal["name", "value"]
    value: str | float


class Outcome(NestedInput):
    """A way a visit may end, and its worth."""

    key: str
    weight: float
    match: Match


class DefineInput(Input):
    """A new definition, or with id a change of one."""

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
        description="Metric: anonymous_id, timestamp, reward_type, value? name?. Source: "
        "anonymous_id, timestamp, optimization_id, variant, context? policy_version?.",
    )
    outcomes: list[Outcome] | None = None
    direction: Literal["increase", "decrease"] | None = None
    default: bool | None = Field(None, description="Source: the organization's own.")
    try_only: bool = Field(
        default=False, description="Metric: run sql and column_mapping, save nothing."
    )
    idempotency_key: IdempotencyKey = None
    confirm: Confirm = False


def define_metric_or_source(api: Api, given: DefineInput) -> Json:
    """Try, make or change a definition; a change first says what would change."""
    sent = given.dump_sent("kind", "id", "try_only", "idempotency_key", "confirm")
    if given.column_mapping is not None:
        sent["column_mapping"] = given.column_mapping.model_dump(exclude_none=True)
    if given.try_only:
        return _try_metric(api, given, sent)
    path = DEFINITION_PATHS[given.kind]
    if given.id is not None:
        return _change_definition(api, given, f"{path}/{given.id}", sent)
    return _create_definition(api, given, path, sent)


def _try_metric(api: Api, given: DefineInput, sent: Json) -> Json:
    if given.kind != "metric":
        raise InvalidParametersError.for_field(
            "try_only", "is for metrics; a source is tried when it is saved"
        )
    body = {name: sent[name] for name in ("sql", "column_mapping") if name in sent}
    found = api.post("/warehouse/preview", body | {"limit": 20})
    rows: list[Any] = found.pop("rows")
    about = {
        "summary": f"It runs: {found['row_count']} rows. "
        f"{' '.join(found['warnings']) or 'Nothing looks wrong.'}",
        "done": False,
        "facts": found,
        "next": "without try_only it is saved.",
    }
    return response_size.paginate_rows(about, "items", rows, None)


def _create_definition(api: Api, given: DefineInput, path: str, sent: Json) -> Json:
    """Make it; where live traffic would be counted by it at once, first say so."""

    def post_definition(key: str | None = None) -> Json:
        return api.post(path, sent, idempotency_key=key)

    if given.kind == "assignment_source" and not given.confirm:
        made = confirmation.run_and_roll_back(api, post_definition)
        if made["default"]:
            would = (
                f"make {made['name']!r} the default source; optimizations that name "
                "none count its exposures from their next refresh."
            )
            return confirmation.ask_to_confirm(
                would, default=[_find_default_source(api), made["name"]]
            )
    return _describe_saved(given, post_definition(given.idempotency_key), "Defined")


def _find_default_source(api: Api) -> str | None:
    """Name the source that is the default now; the list is a page, rarely more."""
    found = api.get(DEFINITION_PATHS["assignment_source"], limit=100)[
        "assignment_sources"
    ]
    return next((each["name"] for each in found if each["default"]), None)


def _change_definition(api: Api, given: DefineInput, path: str, sent: Json) -> Json:
    before = api.get(path)

    def patch_definition() -> Json:
        return api.patch(path, sent)

    if not given.confirm:
        after = confirmation.run_and_roll_back(api, patch_definition)
        would = (
            f"change {before['name']!r}; optimizations that use it count by the new "
            "definition from their next refresh."
        )
        return confirmation.ask_to_confirm_difference(would, before, after)
    return _describe_saved(given, patch_definition(), "Changed")


def _describe_saved(given: DefineInput, made: Json, verb: str) -> Json:
    shown = {name: value for name, value in made.items() if name != "sql"}
    look = "metrics" if given.kind == "metric" else "sources"
    return {
        "summary": f"{verb} {given.kind} {made['name']!r}.",
        "done": True,
        "definition": shown,
        "next": f"explore_warehouse (look: preview, of: {look}) shows its rows; "
        "create_optimization uses a metric by reward_metric_id.",
    }


TOOL = Tool(
    name="define_metric",
    title="Define a metric or an assignment source",
    description="Define what counts as success (kind metric), or where a connected "
    "warehouse keeps exposures (kind assignment_source): SQL and which column is what. "
    "It is checked and run when saved; an error names the columns there are. With id it "
    "changes one (confirm: true); try_only saves nothing.",
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
