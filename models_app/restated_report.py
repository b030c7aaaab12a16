"""Restate a report for a table that no training made: new traffic shares only."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats


def restate_report(
    report: Mapping[str, Any] | None,
    design: Design,
    table: Floats,
    *,
    optimized_share: float | None = None,
) -> dict[str, Any] | None:
    """Return the report with each `weight` as the `table` [S, V] serves the variants.

    Context cells are weighted by the users that the report counted. `optimized_share` is
    that of the traffic (0 to 1) that the table serves; None keeps the report's. Rewards,
    prob_best and best variants remain those of the training. A report without counts of
    users by context cell is returned unchanged.
    """
    if report is None:
        return None
    restated = deepcopy(dict(report))
    users = _read_user_counts(report, design.context_cells)
    if users is None:
        return restated
    optimized = optimized_share
    if optimized is None:
        optimized = sum(row["weight"] for row in report["variants"])
    _set_weights(restated["variants"], users @ table, optimized)
    for context in restated["contexts"]:
        in_level = np.where(_select_contexts(design, context), users, 0.0)
        _set_weights(context["variants"], in_level @ table, optimized)
    return restated


def _read_user_counts(report: Mapping[str, Any], context_cells: int) -> Floats | None:
    """Return the users [S] that the report counted; ones where it counted nobody."""
    counts = (report.get("counts") or {}).get("segments")
    if counts is None:
        return None
    users = np.zeros(context_cells)
    for cell_index, count in counts.items():
        users[int(cell_index)] = count
    return users if users.any() else np.ones(context_cells)


def _select_contexts(design: Design, context: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return a mask [S] of the context cells with the level of a row of `contexts`."""
    names = [factor.name for factor in design.contexts]
    index = names.index(context["factor"])
    size = design.context_sizes[index]
    levels = [design.level_name(index, level) for level in range(size)]
    mask = design.context_levels[:, index] == levels.index(context["level"])
    return np.asarray(mask, dtype=np.bool_)


def _set_weights(rows: list[dict[str, Any]], shares: Floats, optimized: float) -> None:
    total = shares.sum() or 1.0
    for row in rows:
        row["weight"] = float(shares[row["number"] - 1] / total * optimized)
