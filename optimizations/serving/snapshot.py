"""The snapshot that serving decides with, its byte format, and the proposal. Pure."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.policy import leading, rendezvous
from models_app.bandit.policy.rendezvous import PreparedRow
from optimizations.factors import Context, ContextFactor

Floats = NDArray[np.float64]

# Increase it when the bytes change. A process that expects another format ignores the
# cached bytes and reads the database.
SNAPSHOT_FORMAT = 2
NO_HOLDOUT_THRESHOLD = "00000000"
NOT_FOUND_MESSAGE = "No such optimization."
# Rows prepared for draws, per snapshot: this many weights take about 2 MB.
MAX_PREPARED_WEIGHTS = 50_000
PREPARED_WEIGHT_BYTES = 40
# Rounded up: a variant with its levels, and a text.
CARD_BYTES = 1_000
LEVEL_BYTES = 150
LEADING_BYTES = 8


@dataclass(frozen=True, slots=True)
class VariantCard:
    """One variant as a response shows it."""

    number: int
    key: str
    levels: dict[str, Any]
    servable: bool


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """An optimization as of one `version` of its published state.

    `probabilities` is the policy table, shape (context cells, variants). `leading`
    holds, by context cell, the variant number that a shipped optimization serves.
    `holdout_threshold` is 8 hex characters. `assignments_epoch` counts what may have
    changed assignments: barred variants and erased users. `public_policy` says whether
    anybody may read the policy.
    """

    optimization_id: str
    organization_id: str
    version: int
    status: str
    holdout_percentage: float
    holdout_threshold: str
    public_policy: bool
    allowed_origins: tuple[str, ...]
    cards: tuple[VariantCard, ...]
    contexts: tuple[ContextFactor, ...]
    policy_version: int
    probabilities: Floats
    leading: tuple[int, ...]
    assignments_epoch: int
    unservable_numbers: frozenset[int] = field(init=False, repr=False)
    _prepared_rows: dict[int, PreparedRow] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        """Collect the variants that are disabled or excluded: served to no one."""
        unservable = (card.number for card in self.cards if not card.servable)
        object.__setattr__(self, "unservable_numbers", frozenset(unservable))

    def card(self, number: int) -> VariantCard:
        """Return the variant with a number from 1."""
        return self.cards[number - 1]

    def prepare_row(self, cell_index: int) -> PreparedRow:
        """Return one context cell's probabilities, prepared for a draw.

        Prepared rows are remembered. A full memory starts again, which costs little:
        only a table of many variants and many contexts fills it.
        """
        row = self._prepared_rows.get(cell_index)
        if row is None:
            row = rendezvous.prepare_row(self.probabilities[cell_index].tolist())
            if len(self._prepared_rows) * len(self.cards) >= MAX_PREPARED_WEIGHTS:
                self._prepared_rows.clear()
            self._prepared_rows[cell_index] = row
        return row

    def estimate_bytes(self) -> int:
        """Return about how much memory the snapshot takes, with all rows prepared."""
        weights = min(self.probabilities.size, MAX_PREPARED_WEIGHTS)
        levels = sum(len(context.levels) for context in self.contexts)
        return (
            self.probabilities.nbytes
            + weights * PREPARED_WEIGHT_BYTES
            + len(self.cards) * CARD_BYTES
            + (levels + len(self.allowed_origins)) * LEVEL_BYTES
            + len(self.leading) * LEADING_BYTES
        )

    def to_bytes(self) -> bytes:
        """Return one line of JSON, then the table: little-endian float64, row-major.

        `snapshot_bytes.parse_snapshot_bytes` reads it.
        """
        header = {
            "format": SNAPSHOT_FORMAT,
            "optimization_id": self.optimization_id,
            "organization_id": self.organization_id,
            "version": self.version,
            "status": self.status,
            "holdout_percentage": self.holdout_percentage,
            "holdout_threshold": self.holdout_threshold,
            "public_policy": self.public_policy,
            "allowed_origins": self.allowed_origins,
            "cards": [[c.number, c.key, c.levels, c.servable] for c in self.cards],
            "contexts": [[f.name, f.levels] for f in self.contexts],
            "policy_version": self.policy_version,
            "shape": self.probabilities.shape,
            "leading": self.leading,
            "assignments_epoch": self.assignments_epoch,
        }
        table = self.probabilities.astype("<f8").tobytes()
        return json.dumps(header, separators=(",", ":")).encode() + b"\n" + table


class Proposal(NamedTuple):
    """The variant for a user, decided and not stored yet.

    `redraw` counts the draws of this user before: 0 for a first one. `decided_at` is
    aware, in UTC.
    """

    snapshot: Snapshot
    anonymous_id: str
    card: VariantCard
    in_holdout: bool
    propensity: float
    context: Context
    decided_at: datetime
    redraw: int = 0


def compute_holdout_threshold(percentage: float) -> str:
    """Return the 8 hex characters below which a user's md5 means holdout.

    lpad(hex(round(percentage / 100 * 2^32)), 8, '0'), rounded half away from zero as
    SQL rounds.
    """
    return format(int(percentage / 100 * 2**32 + 0.5), "08x")


def pick_leading_variants(
    prob_best: Floats, servable: NDArray[np.bool_]
) -> tuple[int, ...]:
    """Return, by context cell, the number of the variant most likely to be best.

    Only servable variants count. The lowest number wins a tie.
    """
    return tuple(leading.pick_leading_variants(prob_best, servable).tolist())
