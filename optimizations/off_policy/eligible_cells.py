"""Select the stored cells that can evaluate a policy, and count users of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_app.bandit.off_policy.evaluate import LoggedCells
from warehouse.sql.cube.statement import Cell

SHIPPED = "shipped"  # the reason of a regime in which no variant is drawn
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
    """A policy to evaluate, and the versions whose users evaluate it.

    `kind` is one variant for everybody, a past version's table, the learner without
    context, or what the candidate would have done. `value` is the number of the variant
    or version. Users first touched under versions `from_version` to `to_version` are
    used. None means all versions; for a past version, those since.
    """

    kind: Literal["variant", "version", "without_context", "candidate"]
    value: int | None = None
    from_version: int | None = None
    to_version: int | None = None

    @property
    def first_version(self) -> int:
        """The first version whose users count: users it was trained on would flatter it."""
        if self.from_version is not None:
            return self.from_version
        return self.value or 0 if self.kind == "version" else 0

    def includes_version(self, version: int) -> bool:
        """Return whether the users of this version are used."""
        last = self.to_version
        return self.first_version <= version and (last is None or version <= last)


def split_cells(
    cells: Iterable[Cell],
    request: EvaluationRequest,
    versions: frozenset[int],
    shipped: frozenset[int],
) -> tuple[list[Cell], dict[str, int]]:
    """Return the cells with known propensities, and the users of the others by reason.

    `versions` are the numbers of the policy versions that exist, `shipped` those of the
    regimes in which no variant is drawn.
    """
    eligible, excluded = [], dict.fromkeys(EXCLUSION_REASONS, 0)
    for cell in cells:
        reason = _find_exclusion_reason(cell, request, versions, shipped)
        if reason is None:
            eligible.append(cell)
        else:
            excluded[reason] += cell.users
    return eligible, excluded


def _find_exclusion_reason(
    cell: Cell,
    request: EvaluationRequest,
    versions: frozenset[int],
    shipped: frozenset[int],
) -> str | None:
    if not cell.mature:
        return "immature"
    if cell.regime in shipped:
        return SHIPPED
    if cell.policy_version is None:
        return "without_version"
    if cell.policy_version not in versions:
        return "unknown_version"
    if not cell.variant:
        return "unknown_variant"
    return None if request.includes_version(cell.policy_version) else "outside_versions"


def build_logged_data(cells: Sequence[Cell]) -> LoggedCells:
    """Return the cells as arrays, in the form that the estimators read."""
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
