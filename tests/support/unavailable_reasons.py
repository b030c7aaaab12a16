"""Nulls of results, and their reasons."""

from typing import Any


def list_nulls_without_reason(body: dict[str, Any]) -> list[str]:
    """Return the full names of nulls that have no reason under `unavailable`."""
    unavailable = body["unavailable"]
    top = [name for name, value in body.items() if value is None]
    inner = [
        f"{part}.{name}"
        for part in ("stats", "primary_metric_vs_holdout", "model")
        for name, value in body[part].items()
        if value is None
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
        "interactions": body["interactions"],
        "contexts": body["contexts"],
        "context_importance": body["context_importance"],
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
