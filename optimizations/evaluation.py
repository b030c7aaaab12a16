"""Off-policy evaluation: what another policy would have earned, from the stored counts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from models_app import versions
from models_app.bandit import evaluation
from models_app.bandit.design import Design, Floats
from models_app.bandit.evaluation import (
    Difference,
    Estimates,
    Evaluation,
    Logged,
    Tables,
    UnsupportedError,
)
from models_app.models import BanditModel
from optimizations import cube, results
from optimizations.models import Optimization
from warehouse.sql.cube import Cell

Json = dict[str, Any]
SHIPPED = "shipped"  # the reason of a regime that draws nothing
TABLES_AT_ONCE = 64 * 2**20  # bytes
REASONS = (
    "immature",
    "without_version",
    "unknown_version",
    "unknown_variant",
    SHIPPED,
    "outside_versions",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A policy: always a variant, a past version's table, or the learner without context.

    `value` is the number of the variant or version. Users first touched under versions
    `from_version` to `to_version` are used; None: all, for a past version those since.
    """

    kind: Literal["variant", "version", "without_context"]
    value: int | None = None
    from_version: int | None = None
    to_version: int | None = None

    @property
    def since(self) -> int:
        """The first version whose users count: those a policy learned from flatter it."""
        if self.from_version is not None:
            return self.from_version
        return self.value or 0 if self.kind == "version" else 0

    def has(self, version: int) -> bool:
        """Tell whether the version's users are asked for."""
        last = self.to_version
        return self.since <= version and (last is None or version <= last)


def of(optimization: Optimization, asked: Asked) -> Json:
    """Estimate what the policy asked for would have earned, beside what served did.

    Reads stored counts and stored tables only. Raises InvalidParametersError for a
    variant or version that is not there or versions in the wrong order, ConflictError
    for a draft and where the policy needs a variant that could not be shown.
    """
    metric = results.primary(optimization)
    model = optimization.model
    known = frozenset(model.policy_versions.values_list("number", flat=True))
    _check(asked, model.design, known)
    observed = cube.read(optimization, metric)
    shipped = frozenset(
        optimization.regimes.filter(reason=SHIPPED).values_list("number", flat=True)
    )
    cells, left_out = _usable(observed.cells, asked, known, shipped)
    tables = _Tables(model, {cell.policy_version for cell in cells})
    try:
        found = evaluation.evaluate(
            logged(cells),
            tables,
            _target(optimization, asked, tables),
            binary=metric.reward_type == "bool",
        )
    except UnsupportedError as error:
        raise _refusal(model.design, error) from error
    return _told(optimization, asked, found) | {
        "metric_id": metric.pk,
        "as_of": observed.as_of,
        "users": {
            "used": found.users,
            "deciding": round(found.deciding_users),
            "learned_from": _learned_from(cells, asked),
            "left_out": left_out
            | {
                "against_policy": found.against_policy,
                "without_comparison": found.without_comparison,
            },
        },
    }


def logged(cells: Sequence[Cell]) -> Logged:
    """Write cells as the estimators read them."""
    return Logged(
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


def _check(asked: Asked, design: Design, known: frozenset[int]) -> None:
    number = asked.value or 0
    if asked.kind == "variant" and not 1 <= number <= design.variants:
        raise InvalidParametersError.of(
            "policy.variant", f"there are variants 1 to {design.variants}"
        )
    if asked.kind == "version" and number not in known:
        raise InvalidParametersError.of(
            "policy.version", f"there is no policy version {number}"
        )
    if asked.to_version is not None and asked.to_version < asked.since:
        raise InvalidParametersError.of("to_version", f"must be at least {asked.since}")


def _usable(
    cells: Iterable[Cell], asked: Asked, known: frozenset[int], shipped: frozenset[int]
) -> tuple[list[Cell], dict[str, int]]:
    """Keep the cells whose propensities are known; count the users of the others."""
    kept, left_out = [], dict.fromkeys(REASONS, 0)
    for cell in cells:
        reason = _unusable(cell, asked, known, shipped)
        if reason is None:
            kept.append(cell)
        else:
            left_out[reason] += cell.users
    return kept, left_out


def _unusable(
    cell: Cell, asked: Asked, known: frozenset[int], shipped: frozenset[int]
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
    return None if asked.has(cell.policy_version) else "outside_versions"


class _Tables:
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


def _target(optimization: Optimization, asked: Asked, tables: _Tables) -> Tables:
    design = optimization.model.design
    if asked.kind == "variant":
        assert asked.value is not None
        row = np.eye(design.variants)[asked.value - 1]
        always = np.tile(row, (design.segments, 1))
        return lambda _version: always
    if asked.kind == "version":
        past = optimization.model.policy_versions.filter(number=asked.value or 0)
        table = versions.table(past.get())
        return lambda _version: table
    blind = _without_context(optimization, tables.numbers)
    return lambda version: np.tile(blind[version], (design.segments, 1))


def _without_context(
    optimization: Optimization, numbers: Sequence[int]
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
        mask = np.isin(np.arange(optimization.model.design.variants) + 1, enabled)
        even = mask / mask.sum()
        best = np.zeros(len(mask))
        for row in learned or ():
            best[row["number"] - 1] = row["prob_best"]
        best = np.where(mask, best, 0.0)
        shares = best / best.sum() if best.sum() > 0 else even
        explored = optimization.exploration_share
        found[number] = (1 - explored) * shares + explored * even
    return found


def _refusal(design: Design, error: UnsupportedError) -> ConflictError:
    where = " and ".join(
        f"{factor.name} is {design.level_name(at, int(level))}"
        for at, (factor, level) in enumerate(
            zip(design.contexts, design.context_levels[error.context], strict=True)
        )
    )
    reason = (
        f"variant {error.variant + 1} had no probability under policy version "
        f"{error.version}{f' where {where}' if where else ''}"
    )
    return ConflictError(
        f"This policy cannot be evaluated: {reason}. Leave those users out by "
        "from_version or to_version.",
        (FieldProblem("policy", reason),),
    )


def _learned_from(cells: Iterable[Cell], asked: Asked) -> int:
    """Count users that a past version may have learned from, which flatter it."""
    made = (asked.value or 0) if asked.kind == "version" else 0
    return sum(cell.users for cell in cells if (cell.policy_version or 0) < made)


def _told(optimization: Optimization, asked: Asked, found: Evaluation) -> Json:
    withheld = found.withheld
    figures = ("estimators", "served", "difference")
    return {
        "optimization_id": optimization.pk,
        "policy": asked.kind if asked.value is None else {asked.kind: asked.value},
        "from_version": asked.since,
        "to_version": asked.to_version,
        "estimators": found.target and _estimators(found.target),
        "served": found.served and _estimators(found.served),
        "difference": found.difference and _difference(found.difference),
        "unavailable": {} if withheld is None else dict.fromkeys(figures, withheld),
    }


def _estimators(estimates: Estimates) -> Json:
    return {
        name: {
            "value": estimate["value"],
            "interval": [estimate["lo"], estimate["hi"]],
            "effective_sample_size": estimate["effective_sample_size"],
        }
        for name, estimate in asdict(estimates).items()
    }


def _difference(found: Difference) -> Json:
    return {"value": found.value, "interval": [found.lo, found.hi]}
