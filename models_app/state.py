"""The state of a model as the API shows it: the stored report of the serving version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models_app import versions
from models_app.bandit.design.design import OTHER, name_extra_levels
from models_app.models import BanditModel, PolicyVersion

Json = dict[str, Any]
NULL_ESTIMATE: Json = {"mean": None, "lo": None, "hi": None}
NOT_TRAINED = "no training has succeeded yet"
GAIN_FIELDS = ("expected_gain", "expected_gain_lo", "expected_gain_hi")
LEARNED_FIELDS = (
    *("weight", "prob_best"),
    *("expected_reward_mean", "expected_reward_lo", "expected_reward_hi"),
)


def build_state(model: BanditModel) -> Json:
    """Return figures per variant and per context level, and the coefficients.

    Counts are those that the serving version was trained on. Before the first training
    they are 0, figures are null, and the lists of contexts and coefficients are empty.
    The gains of contexts are withheld where the model, when it was trained, did not
    reproduce the recent holdout.
    """
    version = versions.find_serving_version(model)
    report = _load_report(version) if version else {}
    counts, distrusted = report.get("counts") or {}, report.get("distrusted")
    variants = [
        _build_variant_row(model, row, counts.get("variants", {}))
        for row in report.get("variants") or _build_blank_rows(model, version)
    ]
    return {
        "model_id": model.pk,
        "status": model.status,
        "policy_version": model.policy_version,
        "trained_at": _find_trained_at(model) if report else None,
        "reward_model": report.get("reward_model"),
        "notes": report.get("notes", []),
        "variants": variants,
        "contexts": [
            _build_context_row(
                model, row, counts.get("contexts", {}), is_trusted=not distrusted
            )
            for row in report.get("contexts", ())
        ],
        "coefficients": report.get("coefficients", []),
        "unavailable": _explain_nulls(report),
    }


def _explain_nulls(report: Json) -> dict[str, str]:
    """Return the reason for every null, by dotted name."""
    if not report:
        names = (
            "trained_at",
            "reward_model",
            *(f"variants.{name}" for name in LEARNED_FIELDS),
        )
        return dict.fromkeys(names, NOT_TRAINED)
    reason = report.get("distrusted")
    return {f"contexts.{name}": reason for name in GAIN_FIELDS if reason}


def _find_trained_at(model: BanditModel) -> datetime | None:
    trained = versions.find_trained_version(model)
    if trained is None:
        return None
    run = trained.training_run  # a promoted table is as old as its run, not its version
    ended_at = run and (run.finished_at or run.started_at)
    return ended_at or trained.created_at


def _load_report(version: PolicyVersion) -> Json:
    """Return the report with `enabled` of each row as the version serves it."""
    report: Json = version.report or {}
    rows = [*report.get("variants", ())]
    rows += [row for level in report.get("contexts", ()) for row in level["variants"]]
    for row in rows:
        row["enabled"] = row["number"] in version.enabled
    return report


def _build_blank_rows(model: BanditModel, version: PolicyVersion | None) -> list[Json]:
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


def _build_variant_row(
    model: BanditModel, row: Json, counts: Mapping[str, Json]
) -> Json:
    row_counts = counts.get(str(row["number"]), {})
    reward = row["expected_reward"]
    return {
        "number": row["number"],
        "variant": model.combinations()[row["number"] - 1],
        "enabled": row["enabled"],
        "exposures": row_counts.get("exposures", 0),
        "conversions": row_counts.get("conversions", 0),
        "weight": row["weight"],
        "prob_best": row["prob_best"],
        "expected_reward_mean": reward["mean"],
        "expected_reward_lo": reward["lo"],
        "expected_reward_hi": reward["hi"],
    }


def _build_context_row(
    model: BanditModel, row: Json, counts: Mapping[str, Any], *, is_trusted: bool
) -> Json:
    factor, level = row["factor"], row["level"]
    gain = row["expected_gain"] if is_trusted else NULL_ESTIMATE
    level_counts = counts.get(factor, {}).get(level, {})
    return {
        "context": {factor: _format_level(model, factor, level)},
        "share": row["share"],
        "best_variant": row["best_variant"],
        "prob_best": row["prob_best"],
        "expected_gain": gain["mean"],
        "expected_gain_lo": gain["lo"],
        "expected_gain_hi": gain["hi"],
        "variants": [
            _build_variant_row(model, variant, level_counts)
            for variant in row["variants"]
        ],
    }


def _format_level(
    model: BanditModel, factor: str, level: str
) -> str | dict[str, bool] | None:
    """Return a level as policies do: its text, {"other": true}, or None for missing."""
    levels = next(f.levels for f in model.design.contexts if f.name == factor)
    if level in levels:
        return level
    return {OTHER: True} if level == name_extra_levels(levels)[0] else None
