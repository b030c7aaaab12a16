"""What a model has learned, as its door shows it: the stored report beside the table."""

from collections.abc import Mapping
from typing import Any

from models_app.bandit.design import OTHER, beside
from models_app.models import BanditModel, PolicyVersion

Json = dict[str, Any]
NOTHING: Json = {"mean": None, "lo": None, "hi": None}


def of(model: BanditModel) -> Json:
    """Return figures per variant, per context level, and the coefficients.

    Counts are those the serving version was learned from; before the first training
    they are 0, figures null and lists of contexts and coefficients empty.
    """
    version = model.policy_versions.filter(number=model.policy_version).first()
    report = _of_today(version) if version else {}
    counts = report.get("counts") or {}
    variants = [
        _named(model, row, counts.get("variants", {}))
        for row in report.get("variants") or _blank(model, version)
    ]
    return {
        "model_id": model.pk,
        "status": model.status,
        "policy_version": model.policy_version,
        "trained_at": version.created_at if version and report else None,
        "variants": variants,
        "contexts": [
            _context(model, row, counts.get("contexts", {}))
            for row in report.get("contexts", ())
        ],
        "coefficients": report.get("coefficients", []),
    }


def _of_today(version: PolicyVersion) -> Json:
    """Return the report, with the variants enabled that the version serves."""
    report: Json = version.report or {}
    rows = [*report.get("variants", ())]
    rows += [row for each in report.get("contexts", ()) for row in each["variants"]]
    for row in rows:
        row["enabled"] = row["number"] in version.enabled
    return report


def _blank(model: BanditModel, version: PolicyVersion | None) -> list[Json]:
    enabled = version.enabled if version else []
    return [
        {
            "number": number,
            "enabled": number in enabled,
            "weight": None,
            "prob_best": None,
            "expected_reward": NOTHING,
        }
        for number in range(1, model.design.variants + 1)
    ]


def _named(model: BanditModel, row: Json, counts: Mapping[str, Json]) -> Json:
    counted = counts.get(str(row["number"]), {})
    reward = row["expected_reward"]
    return {
        "number": row["number"],
        "variant": model.combinations()[row["number"] - 1],
        "enabled": row["enabled"],
        "exposures": counted.get("exposures", 0),
        "conversions": counted.get("conversions", 0),
        "weight": row["weight"],
        "prob_best": row["prob_best"],
        "expected_reward_mean": reward["mean"],
        "expected_reward_lo": reward["lo"],
        "expected_reward_hi": reward["hi"],
    }


def _context(model: BanditModel, row: Json, counts: Mapping[str, Any]) -> Json:
    factor, level, gain = row["factor"], row["level"], row["expected_gain"]
    counted = counts.get(factor, {}).get(level, {})
    return {
        "context": {factor: _level(model, factor, level)},
        "share": row["share"],
        "best_variant": row["best_variant"],
        "prob_best": row["prob_best"],
        "expected_gain": gain["mean"],
        "expected_gain_lo": gain["lo"],
        "expected_gain_hi": gain["hi"],
        "variants": [_named(model, each, counted) for each in row["variants"]],
    }


def _level(model: BanditModel, factor: str, level: str) -> str | dict[str, bool] | None:
    """Write a level as the policy does: its text, {"other": true}, or null for missing."""
    known = next(each for each in model.design.contexts if each.name == factor)
    if level in known.levels:
        return level
    return {OTHER: True} if level == beside(known.levels)[0] else None
