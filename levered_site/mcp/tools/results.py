"""Tool: read results, from the summary down to single touches."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from levered_site.mcp import response_size, results_summary
from levered_site.mcp.arguments import Cursor, NestedInput, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool

# Views that are lists in the results document.
RESULTS_VIEWS = (
    *("variants", "factor_importance", "factor_utilities", "interactions"),
    *("context_importance", "contexts", "time_series"),
)
# Views with an endpoint of their own: its path, and the key of its rows.
VIEW_ENDPOINTS = {
    "guardrails": ("guardrails", "guardrails"),
    "lift_curve": ("lift-curve", "daily"),
    "lift_history": ("lift-history", "daily"),
    "holdout_daily": ("holdout-daily", "metrics"),
}
NEXT_AFTER_SUMMARY = (
    "view: variants, contexts or guardrails shows more; progress shows how long it may "
    "take; the prompt explain_results explains results to people."
)
NEXT_AFTER_VIEW = "view: summary shows the most important figures."
# Views that come in pages: the endpoint, the key of its rows, and what they are.
PAGED_ENDPOINTS = {
    "cells": (
        "observations",
        "observations",
        "Counts by day, policy version, variant and context, newest day first",
    ),
    "outcome_mix": (
        "outcome-mix",
        "rows",
        "Users by day, arm, variant, outcome and context, oldest day first",
    ),
}
WITHHELD_NOTE = "A null figure is withheld; unavailable says why."


def _convert_bool_to_word(value: object) -> object:
    """Accept true and false for the words "true" and "false" of the query parameter."""
    return str(value).lower() if isinstance(value, bool) else value


class Policy(NestedInput):
    """The policy to evaluate: exactly one of the three."""

    variant: int | None = None
    version: int | None = None
    without_context: Literal[True] | None = None


class ResultsInput(OptimizationInput):
    """Which figures to read."""

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
        "lift_curve",
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
        "earned. candidate: the model tried beside the live one. sql: statements that "
        "reproduce the measured figures.",
    )
    policy: Policy | None = Field(None, description="For what_if.")
    from_version: int | None = None
    to_version: int | None = None
    refresh: Annotated[
        Literal["false", "true", "full"], BeforeValidator(_convert_bool_to_word)
    ] = Field("false", description="true: first recount the warehouse's open days.")
    cursor: Cursor = None


def get_results(api: Api, arguments: ResultsInput) -> Json:
    """Return the requested view of the results."""
    if arguments.view in {"summary", "sql", "regimes", *RESULTS_VIEWS}:
        return _read_results_view(api, arguments)
    if arguments.view == "what_if":
        return _evaluate_policy(api, arguments)
    if arguments.view == "touches":
        return _list_touches(api, arguments)
    if arguments.view in PAGED_ENDPOINTS:
        return _fetch_page(api, arguments)
    if arguments.view in {"candidate", "progress"}:
        return _read_figures(api, arguments)
    segment, key = VIEW_ENDPOINTS[arguments.view]
    figures = api.get(f"{arguments.path}/{segment}", refresh=arguments.refresh)
    rows = figures.pop(key)
    if arguments.view == "holdout_daily":
        rows = [
            {"key": metric["key"], **day} for metric in rows for day in metric["daily"]
        ]
    return _build_page(arguments, rows, figures=figures)


def _read_figures(api: Api, arguments: ResultsInput) -> Json:
    if arguments.view == "candidate":
        candidate = api.get(f"{arguments.path}/candidate")
        summary = "The candidate beside the live model"
        return _build_answer(arguments, summary, figures=candidate)
    progress = api.get(f"{arguments.path}/progress", refresh=arguments.refresh)
    summary = (
        f"{results_summary.point_to_health(progress['health'])}{progress['days_running']} "
        f"days running, {progress['rewarded_users']} users with a reward, "
        f"{progress['conversions']} of them worth more than 0"
    )
    return _build_answer(arguments, summary, figures=progress)


def _read_results_view(api: Api, arguments: ResultsInput) -> Json:
    view = arguments.view
    results = api.get(
        f"{arguments.path}/results", refresh=arguments.refresh, sql=view == "sql"
    )
    if view == "summary":
        return build_summary(arguments, results)
    as_of = {"as_of": results["as_of"], "health": results["health"]}
    if view == "regimes":
        measured = results["primary_metric_vs_holdout"] or {}
        return _build_page(arguments, measured.get("regimes", []), figures=as_of)
    rows = results[view]
    if rows is None:
        reason = results["unavailable"].get(view, "nothing was learned yet")
        return _build_page(arguments, [], figures=as_of | {"unavailable": reason})
    rows = _add_reasons(rows, view, results["unavailable"])
    if reasons := _list_common_reasons(view, results["unavailable"]):
        as_of["unavailable"] = reasons
    if view in ROW_CONVERTERS:
        rows = ROW_CONVERTERS[view](rows)
    return _build_page(arguments, rows, figures=as_of)


def build_summary(arguments: ResultsInput, results: Json) -> Json:
    """Return the answer of the view `summary` from a results document."""
    leader = results_summary.describe_leader(results["stats"], results["unavailable"])
    return _build_answer(
        arguments,
        f"{results_summary.describe_lift(results)}; {leader}",
        figures=results_summary.select_figures(results),
    )


def _list_common_reasons(view: str, unavailable: Mapping[str, str]) -> Json:
    """Return the reasons of figures that are withheld in all rows, by their name."""
    start = f"{view}."
    return {
        field.removeprefix(start): reason
        for field, reason in unavailable.items()
        if field.startswith(start)
    }


def _add_reasons(
    rows: list[Json], view: str, unavailable: Mapping[str, str]
) -> list[Json]:
    """Return the rows, each with the reasons of its withheld figures."""
    explained: list[Json] = [dict(row) for row in rows]
    for field, reason in unavailable.items():
        match = re.fullmatch(rf"{view}\[(\d+)\]\.(.+)", field)
        if match and int(match[1]) < len(explained):
            row = explained[int(match[1])]
            row.setdefault("unavailable", {})[match[2]] = reason
    return explained


def _drop_variant_keys(rows: list[Json]) -> list[Json]:
    return [response_size.drop_field(row, "variant_key") for row in rows]


def _flatten_days(days: list[Json]) -> list[Json]:
    return [
        {"date": day["date"], "variant_key": key, **counts}
        for day in days
        for key, counts in day["variants"].items()
    ]


def _split_statements(rows: list[Json]) -> list[Json]:
    return [
        {"figures": row["figures"], "dialect": row["dialect"], "text": text}
        for row in rows
        for text in response_size.split_text(row["statement"])
    ]


ROW_CONVERTERS: dict[str, Callable[[list[Json]], list[Json]]] = {
    "variants": _drop_variant_keys,
    "time_series": _flatten_days,
    "sql": _split_statements,
}


def _evaluate_policy(api: Api, arguments: ResultsInput) -> Json:
    policy: Any = (arguments.policy or Policy()).model_dump(exclude_none=True)
    if policy.pop("without_context", None) and not policy:
        policy = "without_context"
    versions = {
        "from_version": arguments.from_version,
        "to_version": arguments.to_version,
    }
    body = {name: value for name, value in versions.items() if value is not None}
    evaluation = api.post(f"{arguments.path}/evaluate", {"policy": policy, **body})
    summary = "What the policy would have earned per user; read doubly_robust first"
    return _build_answer(arguments, summary, figures=evaluation)


def _list_touches(api: Api, arguments: ResultsInput) -> Json:
    path, refresh = f"{arguments.path}/observations", arguments.refresh
    touches = api.get(path, raw=True, refresh=refresh)["observations"]
    return _build_page(arguments, touches, figures={})


def _fetch_page(api: Api, arguments: ResultsInput) -> Json:
    segment, key, summary = PAGED_ENDPOINTS[arguments.view]
    path, refresh = f"{arguments.path}/{segment}", arguments.refresh

    def fetch_page(limit: int) -> Json:
        return api.get(path, limit=limit, cursor=arguments.cursor, refresh=refresh)

    def build_answer(page: Json) -> Json:
        items, next_cursor = page.pop(key), page.pop("next_cursor")
        more = "; more follow at next_cursor" if next_cursor else ""
        return _build_answer(
            arguments,
            summary.rstrip(".") + more,
            figures=page,
            items=items,
            next_cursor=next_cursor,
        )

    return response_size.fetch_fitting_page(fetch_page, build_answer, 20, key)


def _build_page(arguments: ResultsInput, rows: list[Any], *, figures: Json) -> Json:
    """Build a page of rows; only the first one has all the figures beside them.

    Where these leave no room for a row, the first page is theirs alone.
    """
    warning = results_summary.point_to_health(figures.get("health"))
    summary = f"{warning}{len(rows)} rows in all"
    if arguments.cursor is not None:
        figures = _select_repeated_figures(figures)
    document = _build_answer(arguments, summary, figures=figures)
    page = response_size.paginate_rows(document, "items", rows, arguments.cursor)
    if arguments.cursor is None and not response_size.fits_in_result(page):
        return response_size.build_empty_page(document, "items", rows)
    return page


def _select_repeated_figures(figures: Json) -> Json:
    """Return what every page repeats: when it was counted, and whether to trust it."""
    repeated = {name: figures[name] for name in ("as_of",) if name in figures}
    if health := figures.get("health"):
        repeated["health"] = {"status": health["status"]}
    return repeated


def _build_answer(arguments: ResultsInput, summary: str, **fields: Any) -> Json:
    """Build the answer without the fields that are None or an empty dictionary."""
    present = {name: value for name, value in fields.items() if value not in ({}, None)}
    is_summary = arguments.view == "summary"
    return {
        "summary": f"{summary.rstrip('.')}. {WITHHELD_NOTE}",
        "view": arguments.view,
        **present,
        "next": NEXT_AFTER_SUMMARY if is_summary else NEXT_AFTER_VIEW,
    }


TOOL = Tool(
    name="get_results",
    title="Read results",
    description="Results: measured lift against the holdout with its interval, "
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
