"""Tool: what came out, figure by figure, from the summary to the single touch."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from levered_site.mcp import response_size, results_summary
from levered_site.mcp.arguments import Cursor, NestedInput, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool

# What is read of the results document, and what is read of an endpoint of its own.
RESULTS_VIEWS = (
    *("variants", "factor_importance", "factor_utilities", "interactions"),
    *("context_importance", "contexts", "time_series"),
)
VIEW_ENDPOINTS = {
    "guardrails": ("guardrails", "guardrails"),
    "lift_history": ("lift-history", "daily"),
    "holdout_daily": ("holdout-daily", "metrics"),
    "outcome_mix": ("outcome-mix", "rows"),
}
NEXT_AFTER_SUMMARY = (
    "view: variants, contexts or guardrails tells more; progress says how long it may "
    "take; the prompt explain_results words it for people."
)
NEXT_AFTER_VIEW = "view: summary puts it into context."
WITHHELD_NOTE = "A null figure is withheld; unavailable says why."


def _convert_bool_to_word(given: object) -> object:
    """Take true and false for the words that they are in an address."""
    return str(given).lower() if isinstance(given, bool) else given


class Policy(NestedInput):
    """Another policy: exactly one of the three."""

    variant: int | None = None
    version: int | None = None
    without_context: Literal[True] | None = None


class ResultsInput(OptimizationInput):
    """Which figures."""

    view: Literal[
        "summary",
        "variants",
        "factor_importance",
        "factor_utilities",
        "interactions",
        "context_importance",
        "contexts",
        "time_series",
        "regimes",
        "progress",
        "guardrails",
        "lift_history",
        "holdout_daily",
        "outcome_mix",
        "cells",
        "touches",
        "what_if",
        "candidate",
        "sql",
    ] = Field(
        "summary",
        description="cells: the counts behind all figures. touches: the latest 100 with "
        "their rewards, to see why nothing is learned. what_if: what `policy` would have "
        "earned. candidate: the one tried beside the live model. sql: statements that reproduce the measured figures.",
    )
    policy: Policy | None = Field(None, description="For what_if.")
    from_version: int | None = None
    to_version: int | None = None
    refresh: Annotated[
        Literal["false", "true", "full"], BeforeValidator(_convert_bool_to_word)
    ] = Field("false", description="true: count the warehouse's open days anew first.")
    cursor: Cursor = None


def get_results(api: Api, given: ResultsInput) -> Json:
    """Read the view that is asked for."""
    if given.view in {"summary", "sql", "regimes", *RESULTS_VIEWS}:
        return _read_results_view(api, given)
    if given.view == "what_if":
        return _evaluate_policy(api, given)
    if given.view in {"cells", "touches"}:
        return _list_observations(api, given)
    if given.view == "progress":
        found = api.get(f"{given.path}/progress", refresh=given.refresh)
        said = (
            f"{found['days_running']} days running, {found['conversions']} conversions"
        )
        return _build_answer(given, said, figures=found)
    if given.view == "candidate":
        found = api.get(f"{given.path}/candidate")
        return _build_answer(
            given, "The candidate beside the live model", figures=found
        )
    address, name = VIEW_ENDPOINTS[given.view]
    found = api.get(f"{given.path}/{address}", refresh=given.refresh)
    rows = found.pop(name)
    if given.view == "holdout_daily":
        rows = [{"key": each["key"], **day} for each in rows for day in each["daily"]]
    return _build_page(given, rows, figures=found)


def _read_results_view(api: Api, given: ResultsInput) -> Json:
    found = api.get(
        f"{given.path}/results", refresh=given.refresh, sql=given.view == "sql"
    )
    if given.view == "summary":
        return _build_answer(
            given,
            results_summary.describe_lift(found),
            figures=results_summary.select_figures(found),
        )
    as_of = {"as_of": found["as_of"]}
    if given.view == "regimes":
        measured = found["primary_metric_vs_holdout"] or {}
        return _build_page(given, measured.get("regimes", []), figures=as_of)
    rows = found[given.view]
    if rows is None:
        reason = found["unavailable"].get(given.view, "nothing was learned yet")
        return _build_page(given, [], figures=as_of | {"unavailable": reason})
    rows = _add_reasons(rows, given.view, found["unavailable"])
    shown = ROW_CONVERTERS[given.view](rows) if given.view in ROW_CONVERTERS else rows
    return _build_page(given, shown, figures=as_of)


def _add_reasons(
    rows: list[Json], view: str, unavailable: Mapping[str, str]
) -> list[Json]:
    """Put the reason of every withheld figure into its row."""
    told: list[Json] = [dict(row) for row in rows]
    for field, reason in unavailable.items():
        found = re.fullmatch(rf"{view}\[(\d+)\]\.(.+)", field)
        if found and int(found[1]) < len(told):
            told[int(found[1])].setdefault("unavailable", {})[found[2]] = reason
    return told


def _drop_variant_keys(rows: list[Json]) -> list[Json]:
    return [
        {name: value for name, value in row.items() if name != "variant_key"}
        for row in rows
    ]


def _flatten_days(days: list[Json]) -> list[Json]:
    return [
        {"date": day["date"], "variant_key": key, **counts}
        for day in days
        for key, counts in day["variants"].items()
    ]


def _split_statements(found: list[Json]) -> list[Json]:
    return [
        {"figures": each["figures"], "dialect": each["dialect"], "text": text}
        for each in found
        for text in response_size.split_text(each["statement"])
    ]


ROW_CONVERTERS: dict[str, Callable[[list[Json]], list[Json]]] = {
    "variants": _drop_variant_keys,
    "time_series": _flatten_days,
    "sql": _split_statements,
}


def _evaluate_policy(api: Api, given: ResultsInput) -> Json:
    asked = given.policy or Policy()
    policy: Any = asked.model_dump(exclude_none=True)
    if policy.pop("without_context", None) and not policy:
        policy = "without_context"
    window = {"from_version": given.from_version, "to_version": given.to_version}
    body = {name: value for name, value in window.items() if value is not None}
    found = api.post(f"{given.path}/evaluate", {"policy": policy, **body})
    said = "What the policy would have earned per user; read doubly_robust first"
    return _build_answer(given, said, figures=found)


def _list_observations(api: Api, given: ResultsInput) -> Json:
    path = f"{given.path}/observations"
    if given.view == "touches":
        found = api.get(path, raw=True, refresh=given.refresh)
        return _build_page(given, found["observations"], figures={})

    def build_answer(found: Json) -> Json:
        return _build_answer(
            given,
            "Counts by day, policy version, variant and context, newest day first",
            items=found["observations"],
            next_cursor=found["next_cursor"],
        )

    def fetch_page(limit: int) -> Json:
        return api.get(path, limit=limit, cursor=given.cursor, refresh=given.refresh)

    return response_size.fetch_fitting_page(fetch_page, build_answer, 20)


def _build_page(given: ResultsInput, rows: list[Any], *, figures: Json) -> Json:
    about = _build_answer(given, f"{len(rows)} rows in all", figures=figures)
    return response_size.paginate_rows(about, "items", rows, given.cursor)


def _build_answer(given: ResultsInput, said: str, **fields: Any) -> Json:
    kept = {name: value for name, value in fields.items() if value not in ({}, None)}
    summary = f"{said.rstrip('.')}. {WITHHELD_NOTE}"
    what_next = NEXT_AFTER_SUMMARY if given.view == "summary" else NEXT_AFTER_VIEW
    return {"summary": summary, "view": given.view, **kept, "next": what_next}


TOOL = Tool(
    name="get_results",
    title="Read results",
    description="What came out: measured lift against the holdout with its interval, "
    "modeled improvement, checks, variants, factors, contexts, history, guardrails, the "
    "counts behind them, and what another policy would have earned.",
    input_model=ResultsInput,
    answer_fields={
        "view": "s",
        "figures": "o",
        "items": "a",
        "total": "i",
        "next_cursor": "s?",
    },
    run=get_results,
    is_read_only=True,
    is_idempotent=True,
)
