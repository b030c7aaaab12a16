"""Tables by policy version: those that served, and those of a policy to be judged."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levered_site.errors import ConflictError
from models_app import allocation_bytes, versions
from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy.evaluate import Tables
from models_app.bandit.policy import allocation
from models_app.models import BanditModel
from optimizations.models import Candidate, CandidateTable, Optimization
from optimizations.off_policy.eligible_cells import Asked
from optimizations.training import candidates

TABLES_AT_ONCE = 64 * 2**20  # bytes


class Served:
    """Tables of a model's versions, read in ascending batches of bounded size."""

    def __init__(self, model: BanditModel, numbers: Iterable[int | None]) -> None:
        self.model = model
        self.numbers = sorted(number for number in numbers if number is not None)
        size = 8 * model.design.segments * model.design.variants
        self.batch = max(TABLES_AT_ONCE // size, 1)
        self.loaded: dict[int, Floats] = {}

    def __call__(self, number: int) -> Floats:
        """Return probabilities [segments, variants]."""
        if number not in self.loaded:
            later = [each for each in self.numbers if each >= number][: self.batch]
            rows = self.model.policy_versions.filter(number__in=[number, *later])
            self.loaded = {
                row.number: versions.table(row)
                for row in rows.defer("report", "prob_best")
            }
        return self.loaded[number]


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and the versions beside which it has a table, ascending."""

    candidate: Candidate
    numbers: tuple[int, ...]


def trial(optimization: Optimization) -> Trial:
    """Read the candidate, once. Raises NotFoundError, ConflictError before any table."""
    candidate = candidates.of(optimization)
    numbers = tuple(candidate.tables.values_list("number", flat=True))
    if not numbers:
        raise ConflictError(
            f"The candidate cannot be judged: {candidates.NOT_TRAINED}."
        )
    return Trial(candidate, numbers)


def of(
    optimization: Optimization,
    asked: Asked,
    served: Served,
    tried: Trial | None = None,
) -> Tables:
    """Return the tables of the policy asked for, for each version that served.

    The variant or version must be there, and of a candidate what `trial` returns. Its
    tables raise ConflictError where there is none at or before a version.
    """
    design = optimization.model.design
    if tried is not None:
        return _Candidates(tried, served)
    if asked.kind == "variant":
        row = np.eye(design.variants)[(asked.value or 1) - 1]
        always = np.tile(row, (design.segments, 1))
        return lambda _version: always
    if asked.kind == "version":
        past = optimization.model.policy_versions.filter(number=asked.value or 0)
        table = versions.table(past.get())
        return lambda _version: table
    blind = _without_context(optimization, served.numbers)
    return lambda version: np.tile(blind[version], (design.segments, 1))


class _Candidates:
    """What a candidate would have served at each version: its newest table by then.

    Cut to the version's variants, as serving would have: see versions.publish_enabled.
    """

    def __init__(self, tried: Trial, served: Served) -> None:
        self.candidate, self.numbers = tried.candidate, tried.numbers
        self.loaded: tuple[CandidateTable, Floats] | None = None
        rows = served.model.policy_versions.filter(number__in=served.numbers)
        self.enabled = dict(rows.values_list("number", "enabled"))

    def __call__(self, version: int) -> Floats:
        kept, table = self._newest(version)
        enabled = self.enabled[version]
        if enabled == kept.enabled:
            return table
        mask = _mask(kept.variants, enabled)
        shares = allocation_bytes.restricted(
            table, _mask(kept.variants, kept.enabled), mask
        )
        return allocation.explored(shares, mask, self.candidate.exploration_share)

    def _newest(self, version: int) -> tuple[CandidateTable, Floats]:
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
            self.loaded = kept, allocation_bytes.unpack(kept.probabilities, *shape)
        return self.loaded


def _mask(variants: int, enabled: Iterable[int]) -> NDArray[np.bool_]:
    return np.isin(np.arange(variants) + 1, list(enabled))


def _without_context(
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
        mask = _mask(optimization.model.design.variants, enabled)
        best = np.zeros(len(mask))
        for row in learned or ():
            best[row["number"] - 1] = row["prob_best"]
        best = np.where(mask, best, 0.0)
        shares = best / best.sum() if best.sum() > 0 else mask / mask.sum()
        share = optimization.exploration_share
        (found[number],) = allocation.explored(shares[None, :], mask, share)
    return found
