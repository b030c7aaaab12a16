"""Tables by policy version: those that served, and those of a policy to be judged."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levered_site.errors import ConflictError
from models_app import allocation_bytes, versions
from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy.evaluate import PolicyTables
from models_app.bandit.policy import allocation
from models_app.models import BanditModel
from optimizations.models import Candidate, CandidateTable, Optimization
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.training import candidates

MAX_TABLE_BYTES = 64 * 2**20  # bytes


class ServedTables:
    """Tables of a model's versions, read in ascending batches of bounded size."""

    def __init__(self, model: BanditModel, numbers: Iterable[int | None]) -> None:
        self.model = model
        self.numbers = sorted(number for number in numbers if number is not None)
        size = 8 * model.design.segments * model.design.variants
        self.batch = max(MAX_TABLE_BYTES // size, 1)
        self.loaded: dict[int, Floats] = {}

    def __call__(self, number: int) -> Floats:
        """Return probabilities [segments, variants]."""
        if number not in self.loaded:
            later = [each for each in self.numbers if each >= number][: self.batch]
            rows = self.model.policy_versions.filter(number__in=[number, *later])
            self.loaded = {
                row.number: versions.read_table(row)
                for row in rows.defer("report", "prob_best")
            }
        return self.loaded[number]


@dataclass(frozen=True, slots=True)
class CandidateVersions:
    """A candidate and the versions beside which it has a table, ascending."""

    candidate: Candidate
    numbers: tuple[int, ...]


def load_candidate_versions(optimization: Optimization) -> CandidateVersions:
    """Read the candidate, once. Raises NotFoundError, ConflictError before any table."""
    candidate = candidates.load_candidate(optimization)
    numbers = tuple(candidate.tables.values_list("number", flat=True))
    if not numbers:
        raise ConflictError(
            f"The candidate cannot be judged: {candidates.NO_CANDIDATE_TABLE}."
        )
    return CandidateVersions(candidate, numbers)


def build_target_tables(
    optimization: Optimization,
    asked: EvaluationRequest,
    served: ServedTables,
    tried: CandidateVersions | None = None,
) -> PolicyTables:
    """Return the tables of the policy asked for, for each version that served.

    The variant or version must be there, and of a candidate what `trial` returns. Its
    tables raise ConflictError where there is none at or before a version.
    """
    design = optimization.model.design
    if tried is not None:
        return _CandidateTables(tried, served)
    if asked.kind == "variant":
        row = np.eye(design.variants)[(asked.value or 1) - 1]
        always = np.tile(row, (design.segments, 1))
        return lambda _version: always
    if asked.kind == "version":
        past = optimization.model.policy_versions.filter(number=asked.value or 0)
        table = versions.read_table(past.get())
        return lambda _version: table
    blind = _compute_context_free_shares(optimization, served.numbers)
    return lambda version: np.tile(blind[version], (design.segments, 1))


class _CandidateTables:
    """What a candidate would have served at each version: its newest table by then.

    Cut to the version's variants, as serving would have: see versions.publish_enabled.
    """

    def __init__(self, tried: CandidateVersions, served: ServedTables) -> None:
        self.candidate, self.numbers = tried.candidate, tried.numbers
        self.loaded: tuple[CandidateTable, Floats] | None = None
        rows = served.model.policy_versions.filter(number__in=served.numbers)
        self.enabled = dict(rows.values_list("number", "enabled"))

    def __call__(self, version: int) -> Floats:
        kept, table = self._load_newest_table(version)
        enabled = self.enabled[version]
        if enabled == kept.enabled:
            return table
        mask = _build_mask(kept.variants, enabled)
        shares = allocation_bytes.restrict_to_enabled(
            table, _build_mask(kept.variants, kept.enabled), mask
        )
        return allocation.mix_exploration(
            shares, mask, self.candidate.exploration_share
        )

    def _load_newest_table(self, version: int) -> tuple[CandidateTable, Floats]:
        place = bisect_right(self.numbers, version)
        if not place:
            raise ConflictError(f"The candidate had no table at version {version}.")
        number = self.numbers[place - 1]
        if self.loaded is None or self.loaded[0].number != number:
            tables = self.candidate.tables.defer("prob_best")
            kept = tables.filter(number=number).first()
            if kept is None:
                raise ConflictError("The candidate was replaced meanwhile: ask again.")
            shape = kept.segments, kept.variants
            self.loaded = (
                kept,
                allocation_bytes.unpack_table(kept.probabilities, *shape),
            )
        return self.loaded


def _build_mask(variants: int, enabled: Iterable[int]) -> NDArray[np.bool_]:
    return np.isin(np.arange(variants) + 1, list(enabled))


def _compute_context_free_shares(
    optimization: Optimization, numbers: Iterable[int]
) -> dict[int, Floats]:
    """Return by version the shares [V] of a learner that cannot see the context.

    Plain Thompson sampling by what was known when the version was made: the probability
    that a variant is best over all contexts, mixed with even exploration. Only the past
    is in it, so that the estimate is not flattered.
    """
    rows = optimization.model.policy_versions.filter(number__in=numbers)
    found = {}
    for number, enabled, learned in rows.values_list(
        "number", "enabled", "report__variants"
    ):
        mask = _build_mask(optimization.model.design.variants, enabled)
        best = np.zeros(len(mask))
        for row in learned or ():
            best[row["number"] - 1] = row["prob_best"]
        best = np.where(mask, best, 0.0)
        shares = best / best.sum() if best.sum() > 0 else mask / mask.sum()
        share = optimization.exploration_share
        (found[number],) = allocation.mix_exploration(shares[None, :], mask, share)
    return found
