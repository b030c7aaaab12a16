"""Which stored cells can judge a policy, and how many users the others have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_app.bandit.off_policy.evaluate import LoggedCells
from warehouse.sql.cube.statement import Cell

SHIPPED = "shipped"  # the reason of a regime that draws nothing
EXCLUSION_REASONS = (
    "immature",
    "without_version",
    "unknown_version",
    "unknown_variant",
    SHIPPED,
    "outside_versions",
)


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """A policy, and whose users are to judge it.

    Always one variant, a past version's table, the learner without context, or what
    the candidate would have done. `value` is the number of the variant or version. Users
    first touched under versions `from_version` to `to_version` are used; None: all, for
    a past version those since.
    """

    kind: Literal["variant", "version", "without_context", "candidate"]
    value: int | None = None
    from_version: int | None = None
    to_version: int | None = None

    @property
    def first_version(self) -> int:
        """The first version whose users count: those a policy learned from flatter it."""
        if self.from_version is not None:
            return self.from_version
        return self.value or 0 if self.kind == "version" else 0

    def includes_version(self, version: int) -> bool:
        """Tell whether the version's users are asked for."""
        last = self.to_version
        return self.first_version <= version and (last is None or version <= last)


def split_cells(
    cells: Iterable[Cell],
    asked: EvaluationRequest,
    known: frozenset[int],
    shipped: frozenset[int],
) -> tuple[list[Cell], dict[str, int]]:
    """Keep the cells whose propensities are known; count the users of the others.

    `known` are the policy versions there are, `shipped` the regimes that draw nothing.
    """
    kept, left_out = [], dict.fromkeys(EXCLUSION_REASONS, 0)
    for cell in cells:
        reason = _find_exclusion_reason(cell, asked, known, shipped)
        if reason is None:
            kept.append(cell)
        else:
            left_out[reason] += cell.users
    return kept, left_out


def _find_exclusion_reason(
    cell: Cell, asked: EvaluationRequest, known: frozenset[int], shipped: frozenset[int]
) -> str | None:
    if not cell.mature:
        return "immature"
    if cell.regime in shipped:
        return SHIPPED
    if cell.policy_version is None:
        return "without_version"
    if cell.policy_version not in known:
        return "unknown_version"
    if not cell.variant:
        return "unknown_variant"
    return None if asked.includes_version(cell.policy_version) else "outside_versions"


def build_logged_data(cells: Sequence[Cell]) -> LoggedCells:
    """Write cells as the estimators read them."""
    return LoggedCells(
        regime=np.array([cell.regime for cell in cells], dtype=np.int64),
        day=np.array([cell.day.toordinal() for cell in cells], dtype=np.int64),
        version=np.array([cell.policy_version for cell in cells], dtype=np.int64),
        holdout=np.array([cell.holdout for cell in cells], dtype=bool),
        variant=np.array([cell.variant - 1 for cell in cells], dtype=np.int64),
        context=np.array([cell.context for cell in cells], dtype=np.int64),
        users=np.array([cell.users for cell in cells], dtype=np.float64),
        converted=np.array([cell.converted for cell in cells], dtype=np.float64),
        value_sum=np.array([cell.value_sum for cell in cells], dtype=np.float64),
        value_sum_squares=np.array(
            [cell.value_sum_squares for cell in cells], dtype=np.float64
        ),
    )
