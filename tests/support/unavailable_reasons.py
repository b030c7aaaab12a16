"""Nulls of results, and whether each has its reason."""

from typing import Any


def list_nulls_without_reason(body: dict[str, Any]) -> list[str]:
    """Name the nulls of results that have no reason."""
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
    listed = [
        f"{part}[{place}].{name}"
        for part, found in lists.items()
        for place, row in enumerate(found)
        for name, value in row.items()
        if value is None
    ]
    checks = [f"checks.{name}" for name, value in body["checks"].items() if not value]
    named = (*top, *inner, *rows, *listed, *checks)
    return [name for name in named if name not in unavailable]
