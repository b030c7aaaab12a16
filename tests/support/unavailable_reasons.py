"""Nulls of results, and their reasons."""

from typing import Any


def list_nulls_without_reason(body: dict[str, Any]) -> list[str]:
    """Return the full names of nulls that have no reason under `unavailable`."""
    unavailable = body["unavailable"]
    top = [name for name, value in body.items() if value is None]
    inner = [
        f"{part}.{name}"
        for part in ("stats", "even_split", "primary_metric_vs_holdout", "model")
        for name, value in body[part].items()
        if value is None and (part, name) != ("even_split", "currency")
    ]
    measured = body["primary_metric_vs_holdout"]
    inner += [
        f"primary_metric_vs_holdout.{part}.{name}"
        for part, figures in _list_figures(measured)
        for name, value in figures.items()
        if value is None
    ]
    inner += [
        f"primary_metric_vs_holdout.{name}[{place}]"
        for name in ("difference_ci", "difference_ci_anytime")
        for place, end in enumerate(measured[name] or ())
        if end is None
    ]
    rows = [
        f"variants.{name}"
        for row in body["variants"]
        for name, value in row.items()
        if value is None
    ]
    lists = {
        "primary_metric_vs_holdout.regimes": body["primary_metric_vs_holdout"][
            "regimes"
        ],
        "interactions": body["interactions"] or (),
        "contexts": body["contexts"] or (),
        "context_importance": body["context_importance"] or (),
    }
    list_rows = [
        f"{part}[{place}].{name}"
        for part, rows_of_part in lists.items()
        for place, row in enumerate(rows_of_part)
        for name, value in row.items()
        if value is None
    ]
    checks = [f"checks.{name}" for name, value in body["checks"].items() if not value]
    names = (*top, *inner, *rows, *list_rows, *checks)
    return [name for name in names if name not in unavailable]


def _list_figures(measured: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the parts of a measured lift of amounts that hold figures."""
    companions = measured["companions"] or {}
    parts = [(f"companions.{name}", figures) for name, figures in companions.items()]
    return [*parts, ("changed", measured["changed"] or {})]
