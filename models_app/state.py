"""The state of a model as the API shows it: the stored report of the serving version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from models_app import served_report, versions
from models_app.bandit.design.design import OTHER, name_extra_levels
from models_app.models import BanditModel, PolicyVersion, StoredReport
from models_app.served_report import NULL_ESTIMATE, CurrentFigures

NOT_TRAINED = "no training has succeeded yet"
GAIN_FIELDS = ("expected_gain", "expected_gain_lo", "expected_gain_hi")
REWARD_FIELDS = ("expected_reward_mean", "expected_reward_lo", "expected_reward_hi")
LEARNED_FIELDS = ("weight", "prob_best", *REWARD_FIELDS)
MATURE_FIELDS = ("mature_users", "mature_conversions")
PARTS = ("variants", "contexts.variants")
NOT_COUNTED = "computed with the next training; the last one does not have it"
BEST_FIELDS = ("best_variant", "prob_best")


@dataclass(frozen=True, slots=True)
class VariantState:
    """What is known of a variant; figures are null before the first training."""

    number: int
    variant: dict[str, Any]
    enabled: Annotated[
        bool | None, "In the policy version that serves; null for a draft."
    ]
    exposures: Annotated[int, "Of all users so far."]
    conversions: Annotated[int, "Users so far whose reward is worth more than 0."]
    users: Annotated[int, "All users so far, whatever their age."]
    mature_users: Annotated[int | None, "Users whose horizon has passed."]
    mature_conversions: Annotated[int | None, "Conversions of mature users."]
    weight: Annotated[float | None, "Share of all traffic that it is served now."]
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


@dataclass(frozen=True, slots=True)
class ContextState:
    """The variants at one level of a context factor."""

    context: Annotated[
        dict[str, Any],
        'Factor to level; {"other": true} for any other value, null for none.',
    ]
    share: float
    best_variant: Annotated[
        int | None, "The enabled variant with the highest prob_best at this level."
    ]
    prob_best: float | None
    expected_gain: Annotated[
        float | None,
        "Reward of the best variant at this level, less that of the best overall.",
    ]
    expected_gain_lo: float | None
    expected_gain_hi: float | None
    variants: list[VariantState]


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a model has learned."""

    model_id: UUID
    status: BanditModel.Status
    policy_version: int
    trained_at: datetime | None
    reward_model: Literal["chance", "hurdle", "mean", "outcomes"] | None
    notes: Annotated[list[str], "What training noticed."]
    variants: list[VariantState]
    contexts: list[ContextState]
    coefficients: list[dict[str, Any]]
    unavailable: dict[str, str]


def build_state(
    model: BanditModel, current: CurrentFigures | None = None
) -> ModelState:
    """Return figures per variant and per context level, and the coefficients.

    Counts are the `current` ones, or else those that the serving version was trained on.
    Before the first training figures are null, and the lists of contexts and coefficients
    are empty. Expected rewards are withheld where the model does not reproduce the recent
    holdout; gains and what is best in a context also where variants changed since, or
    where too few users support a comparison; everything modeled until a user is mature,
    and while the arms do not compare like with like.
    """
    version = versions.find_serving_version(model)
    report = (
        served_report.load_served_report(model, version, current) if version else {}
    )
    counts = (current.counts if current else report.get("counts")) or {}
    variants = [
        _build_variant(model, row, counts.get("variants", {}))
        for row in report.get("variants") or _build_blank_rows(model, version)
    ]
    contexts = [
        _build_context(model, row, counts.get("contexts", {}))
        for row in report.get("contexts", ())
    ]
    return ModelState(
        model_id=model.pk,
        status=BanditModel.Status(model.status),
        policy_version=model.policy_version,
        trained_at=_find_trained_at(model) if report else None,
        reward_model=report.get("reward_model"),
        notes=report.get("notes", []),
        variants=variants,
        contexts=contexts,
        coefficients=report.get("coefficients", []),
        unavailable=_explain_nulls(report, counts),
    )


def _explain_nulls(report: StoredReport, counts: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason for every null, by dotted name."""
    if not report:
        names = (
            "trained_at",
            "reward_model",
            *(f"variants.{name}" for name in LEARNED_FIELDS),
        )
        return dict.fromkeys(names, NOT_TRAINED)
    nothing = served_report.explain_nothing(report)
    unavailable: dict[str, str] = {}
    rows = counts.get("variants", {}).values()
    if any("mature_users" not in row for row in rows):
        unavailable |= {
            f"{part}.{name}": NOT_COUNTED for part in PARTS for name in MATURE_FIELDS
        }
    if nothing:
        unavailable["coefficients"] = nothing
    if reason := nothing or report["unlearned"]:
        unavailable |= {f"{part}.prob_best": reason for part in PARTS}
    if withheld := report["withheld"]:
        unavailable |= {
            f"contexts.{name}": withheld for name in (*BEST_FIELDS, *GAIN_FIELDS)
        }
    if reason := nothing or report.get("distrusted"):
        for part in PARTS:
            unavailable |= {f"{part}.{name}": reason for name in REWARD_FIELDS}
    return unavailable


def _find_trained_at(model: BanditModel) -> datetime | None:
    trained = versions.find_trained_version(model)
    if trained is None:
        return None
    run = trained.training_run  # a promoted table is as old as its run, not its version
    ended_at = run and (run.finished_at or run.started_at)
    return ended_at or trained.created_at


def _build_blank_rows(
    model: BanditModel, version: PolicyVersion | None
) -> list[dict[str, Any]]:
    # A draft has no version; /variants says which variants will be enabled.
    return [
        {
            "number": number,
            "enabled": number in version.enabled if version else None,
            "weight": None,
            "prob_best": None,
            "expected_reward": NULL_ESTIMATE,
        }
        for number in range(1, model.design.variants + 1)
    ]


def _build_variant(
    model: BanditModel, row: Mapping[str, Any], counts: Mapping[str, Any]
) -> VariantState:
    row_counts = counts.get(str(row["number"]), {})
    reward = row["expected_reward"]
    missing = None if row_counts else 0  # reports of earlier versions do not have them
    return VariantState(
        number=row["number"],
        variant=model.combinations()[row["number"] - 1],
        enabled=row["enabled"],
        exposures=row_counts.get("exposures", 0),
        conversions=row_counts.get("conversions", 0),
        users=row_counts.get("users", 0),
        mature_users=row_counts.get("mature_users", missing),
        mature_conversions=row_counts.get("mature_conversions", missing),
        weight=row["weight"],
        prob_best=row["prob_best"],
        expected_reward_mean=reward["mean"],
        expected_reward_lo=reward["lo"],
        expected_reward_hi=reward["hi"],
    )


def _build_context(
    model: BanditModel, row: Mapping[str, Any], counts: Mapping[str, Any]
) -> ContextState:
    factor, level, gain = row["factor"], row["level"], row["expected_gain"]
    level_counts = counts.get(factor, {}).get(level, {})
    return ContextState(
        context={factor: _format_level(model, factor, level)},
        share=row["share"],
        best_variant=row["best_variant"],
        prob_best=row["prob_best"],
        expected_gain=gain["mean"],
        expected_gain_lo=gain["lo"],
        expected_gain_hi=gain["hi"],
        variants=[
            _build_variant(model, variant, level_counts) for variant in row["variants"]
        ],
    )


def _format_level(
    model: BanditModel, factor: str, level: str
) -> str | dict[str, bool] | None:
    """Return a level as policies do: its text, {"other": true}, or None for missing."""
    levels = next(f.levels for f in model.design.contexts if f.name == factor)
    if level in levels:
        return level
    return {OTHER: True} if level == name_extra_levels(levels)[0] else None
