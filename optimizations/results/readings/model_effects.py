"""What the model says of factors, levels, pairs of levels and context factors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from models_app.models import StoredReport
from optimizations.results.readings import context_results
from optimizations.results.readings.context_results import ContextResult, MeasuredLevels
from optimizations.results.reasons import NOT_IN_REPORT, Reasons, WithholdingReasons

COEFFICIENTS_LEFT_OUT = (
    "the model has too many coefficients and leaves out some that this figure needs"
)
DEVIATION_FIELDS = ("deviation", "lo", "hi")
SHARE_FIELDS = ("mean", "lo", "hi")
IMPORTANCE_NAMES = (
    "factor_importance",
    "interaction_importance",
    "context_importance",
)


@dataclass(frozen=True, slots=True)
class FactorImportance:
    """The share of the spread of variant values that a factor explains."""

    factor: str
    q1: float
    q3: float
    mean: float
    kind: str


@dataclass(frozen=True, slots=True)
class FactorUtility:
    """What a level adds to the reward, compared with the factor's other levels."""

    factor: str
    level: str
    effect: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Quartiles:
    """A share and its quartiles."""

    q1: float
    q3: float
    mean: float


@dataclass(frozen=True, slots=True)
class Interaction:
    """What two levels do together beyond what each does alone, by the model."""

    factors: list[str]
    levels: list[str]
    deviation: Annotated[
        float | None,
        "Reward with both levels, less the additive prediction; in the reward's unit.",
    ]
    lo: float | None
    hi: float | None
    users: Annotated[int, "Users who saw both, whatever their age."]
    kind: Annotated[
        Literal["synergy", "saturation", "conflict"] | None,
        "conflict: worse together than alone. synergy: better together, and neither "
        "does harm. saturation: less bad than the sum of their harms, which is no "
        "advice to combine them. Null if the interval includes 0.",
    ]


@dataclass(frozen=True, slots=True)
class ContextImportance:
    """The share of the spread that differs by a context factor."""

    factor: str
    hi: float | None
    lo: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class ModelEffects:
    """The lists of results, and the reason for every null in them."""

    factor_importance: list[FactorImportance] | None
    factor_utilities: list[FactorUtility] | None
    interaction_importance: Quartiles | None
    interactions: list[Interaction] | None
    context_importance: list[ContextImportance] | None
    contexts: list[ContextResult]
    unavailable: Reasons


def build_model_effects(
    report: StoredReport,
    levels: MeasuredLevels,
    withheld: WithholdingReasons,
) -> ModelEffects:
    """Return a report's lists beside what was measured at each context level."""
    interactions, unavailable = _build_interactions(
        report.get("interactions"), withheld.rewards
    )
    contexts, reasons = context_results.build_context_results(
        report["contexts"], levels, withheld
    )
    unavailable |= reasons
    if withheld.rewards:
        unavailable["factor_utilities"] = withheld.rewards
    effects = ModelEffects(
        factor_importance=None,
        factor_utilities=None
        if withheld.rewards
        else [_build_factor_utility(row) for row in report["factor_utilities"]],
        interaction_importance=None,
        interactions=interactions,
        context_importance=None,
        contexts=contexts,
        unavailable=unavailable,
    )
    if withheld.shares:
        reasons = dict.fromkeys(IMPORTANCE_NAMES, withheld.shares)
        return replace(effects, unavailable=unavailable | reasons)
    return _add_importance(report, effects)


def _add_importance(report: Mapping[str, Any], effects: ModelEffects) -> ModelEffects:
    """Return the effects with the shares of the spread that each factor explains."""
    unavailable = _explain_missing_shares(report["context_importance"])
    share = report["interaction_importance"]
    if share is None:
        unavailable["interaction_importance"] = COEFFICIENTS_LEFT_OUT
    return replace(
        effects,
        factor_importance=[
            FactorImportance(factor=row["factor"], kind="design", **row["share"])
            for row in report["factor_importance"]
        ],
        interaction_importance=None if share is None else Quartiles(**share),
        context_importance=[
            ContextImportance(
                row["factor"], **(row["share"] or dict.fromkeys(SHARE_FIELDS))
            )
            for row in report["context_importance"]
        ],
        unavailable=effects.unavailable | unavailable,
    )


def _build_factor_utility(row: Mapping[str, Any]) -> FactorUtility:
    effect = row["effect"]
    return FactorUtility(
        row["factor"], row["level"], effect["mean"], effect["lo"], effect["hi"]
    )


def _explain_missing_shares(rows: Sequence[Mapping[str, Any]]) -> Reasons:
    return {
        f"context_importance[{place}].{name}": COEFFICIENTS_LEFT_OUT
        for place, row in enumerate(rows)
        if row["share"] is None
        for name in SHARE_FIELDS
    }


def _build_interactions(
    rows: Sequence[Mapping[str, Any]] | None, withheld: str | None
) -> tuple[list[Interaction] | None, Reasons]:
    if rows is None:
        return None, {"interactions": NOT_IN_REPORT}
    interactions: list[Interaction] = []
    unavailable: Reasons = {}
    for place, row in enumerate(rows):
        deviation = None if withheld else row["deviation"]
        kind = None if withheld else row["kind"]
        nulls = (*(() if deviation else DEVIATION_FIELDS), *(() if kind else ("kind",)))
        reason = withheld or row["withheld"]
        unavailable |= {f"interactions[{place}].{name}": reason for name in nulls}
        estimate = deviation or dict.fromkeys(("mean", "lo", "hi"))
        interactions.append(
            Interaction(
                factors=row["factors"],
                levels=row["levels"],
                deviation=estimate["mean"],
                lo=estimate["lo"],
                hi=estimate["hi"],
                users=row["users"],
                kind=kind,
            )
        )
    return interactions, unavailable
