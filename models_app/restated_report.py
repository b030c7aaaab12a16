"""A report restated for a table that was not trained: shares of traffic, nothing learned."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Design, Floats

Json = dict[str, Any]


def restate_report(
    report: Mapping[str, Any] | None, design: Design, table: Floats
) -> Json | None:
    """Return the report with every `weight` as the `table` [S, V] serves variants.

    Contexts are mixed as the users were whom the report counted; what the holdout takes
    stays what it was. Rewards, prob_best and best variants remain those of the training.
    A report that kept no count of users by context is returned as it is.
    """
    if report is None:
        return None
    restated = deepcopy(dict(report))
    users = _read_user_counts(report, design.segments)
    if users is None:
        return restated
    optimized = sum(row["weight"] for row in report["variants"])
    _set_weights(restated["variants"], users @ table, optimized)
    for context in restated["contexts"]:
        here = np.where(_select_contexts(design, context), users, 0.0)
        _set_weights(context["variants"], here @ table, optimized)
    return restated


def _read_user_counts(report: Mapping[str, Any], segments: int) -> Floats | None:
    counted = (report.get("counts") or {}).get("segments")
    if counted is None:
        return None
    users = np.zeros(segments)
    for segment, number in counted.items():
        users[int(segment)] = number
    return users if users.any() else np.ones(segments)


def _select_contexts(design: Design, context: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Tell which context cells [S] have the level of a row of `contexts`."""
    names = [factor.name for factor in design.contexts]
    at = names.index(context["factor"])
    size = design.context_sizes[at]
    levels = [design.level_name(at, level) for level in range(size)]
    chosen = design.context_levels[:, at] == levels.index(context["level"])
    return np.asarray(chosen, dtype=np.bool_)


def _set_weights(rows: list[Json], shares: Floats, optimized: float) -> None:
    total = shares.sum() or 1.0
    for row in rows:
        row["weight"] = float(shares[row["number"] - 1] / total * optimized)
