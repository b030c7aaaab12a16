"""Tables by policy version: those that served, and those of the policy to evaluate."""

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

MAX_TABLE_BYTES = 64 * 2**20  # of the tables in memory at a time


class ServedTables:
    """Tables of a model's versions, read in ascending batches of bounded size."""

    def __init__(self, model: BanditModel, numbers: Iterable[int | None]) -> None:
        self.model = model
        self.numbers = sorted(number for number in numbers if number is not None)
        size = 8 * model.design.context_cells * model.design.variants
        self.batch_size = max(MAX_TABLE_BYTES // size, 1)
        self.tables: dict[int, Floats] = {}

    def __call__(self, number: int) -> Floats:
        """Return the probabilities [context cells, variants] of a version."""
        if number not in self.tables:
            later = [n for n in self.numbers if n >= number][: self.batch_size]
            rows = self.model.policy_versions.filter(number__in=[number, *later])
            self.tables = {
                row.number: versions.read_table(row)
                for row in rows.defer("report", "prob_best")
            }
        return self.tables[number]


@dataclass(frozen=True, slots=True)
class CandidateVersions:
    """A candidate, and the numbers of the versions with a table of it, ascending."""

    candidate: Candidate
    numbers: tuple[int, ...]


def load_candidate_versions(optimization: Optimization) -> CandidateVersions:
    """Return the candidate and its versions, in one read of the candidate.

    Raises NotFoundError where there is no candidate, ConflictError before its first table.
    """
    candidate = candidates.load_candidate(optimization)
    numbers = tuple(candidate.tables.values_list("number", flat=True))
    if not numbers:
        raise ConflictError(
            f"The candidate cannot be evaluated: {candidates.NO_CANDIDATE_TABLE}."
        )
    return CandidateVersions(candidate, numbers)


def build_target_tables(
    optimization: Optimization,
    request: EvaluationRequest,
    served: ServedTables,
    candidate_versions: CandidateVersions | None = None,
) -> PolicyTables:
    """Return a function from each version that served to the target policy's table.

    The variant or version must exist. For a candidate, pass what
    `load_candidate_versions` returns; its function raises ConflictError for a version
    before the candidate's first table.
    """
    design = optimization.model.design
    if candidate_versions is not None:
        return _CandidateTables(candidate_versions, served)
    if request.kind == "variant":
        row = np.eye(design.variants)[(request.value or 1) - 1]
        constant = np.tile(row, (design.context_cells, 1))
        return lambda _version: constant
    if request.kind == "version":
        past = optimization.model.policy_versions.filter(number=request.value or 0)
        table = versions.read_table(past.get())
        return lambda _version: table
    shares = _compute_context_free_shares(optimization, served.numbers)
    return lambda version: np.tile(shares[version], (design.context_cells, 1))


class _CandidateTables:
    """What a candidate would have served at each version: its newest table by then.

    Restricted to the version's variants as serving does; see versions.publish_enabled.
    """

    def __init__(self, trained: CandidateVersions, served: ServedTables) -> None:
        self.candidate, self.numbers = trained.candidate, trained.numbers
        self.newest: tuple[CandidateTable, Floats] | None = None
        rows = served.model.policy_versions.filter(number__in=served.numbers)
        self.enabled = dict(rows.values_list("number", "enabled"))

    def __call__(self, version: int) -> Floats:
        row, table = self._load_newest_table(version)
        enabled = self.enabled[version]
        if enabled == row.enabled:
            return table
        mask = _build_mask(row.variants, enabled)
        shares = allocation_bytes.restrict_to_enabled(
            table, _build_mask(row.variants, row.enabled), mask
        )
        return allocation.mix_exploration(
            shares, mask, self.candidate.exploration_share
        )

    def _load_newest_table(self, version: int) -> tuple[CandidateTable, Floats]:
        count = bisect_right(self.numbers, version)
        if not count:
            raise ConflictError(f"The candidate had no table at version {version}.")
        number = self.numbers[count - 1]
        if self.newest is None or self.newest[0].number != number:
            tables = self.candidate.tables.defer("prob_best")
            row = tables.filter(number=number).first()
            if row is None:
                raise ConflictError(
                    "The candidate was replaced during the evaluation: try again."
                )
            shape = row.segments, row.variants
            self.newest = row, allocation_bytes.unpack_table(row.probabilities, *shape)
        return self.newest


def _build_mask(variants: int, enabled: Iterable[int]) -> NDArray[np.bool_]:
    return np.isin(np.arange(variants) + 1, list(enabled))


def _compute_context_free_shares(
    optimization: Optimization, numbers: Iterable[int]
) -> dict[int, Floats]:
    """Return by version the shares [V] of a learner that does not see the context.

    Plain Thompson sampling on what was known when the version was trained: the
    probability that a variant is best over all contexts, mixed with even exploration. It
    uses the past only, so the estimate is not flattered.
    """
    rows = optimization.model.policy_versions.filter(number__in=numbers)
    shares_by_version = {}
    for number, enabled, variants in rows.values_list(
        "number", "enabled", "report__variants"
    ):
        mask = _build_mask(optimization.model.design.variants, enabled)
        prob_best = np.zeros(len(mask))
        for variant in variants or ():
            prob_best[variant["number"] - 1] = variant["prob_best"]
        prob_best = np.where(mask, prob_best, 0.0)
        total = prob_best.sum()
        shares = prob_best / total if total > 0 else mask / mask.sum()
        (shares_by_version[number],) = allocation.mix_exploration(
            shares[None, :], mask, optimization.exploration_share
        )
    return shares_by_version
