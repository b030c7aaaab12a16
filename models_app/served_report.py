"""The stored report as it applies to what is served, without the figures withheld."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models_app import restated_report, versions
from models_app.models import BanditModel, PolicyVersion, StoredReport

NULL_ESTIMATE = {"mean": None, "lo": None, "hi": None}


@dataclass(frozen=True, slots=True)
class CurrentFigures:
    """What the last count says beside a report: the counts, and what they withhold.

    Attributes
    ----------
    counts: as a report has them under `counts`.
    shares: of users by (factor, level).
    broken: why nothing modeled can be relied on while counts are wrong, or None.
    distrusted: why modeled rewards are withheld, or None.
    unlearned: why the allocation is not the one that the report describes, or None.
    unsupported: why comparisons say no more than the prior, or None.
    immature: why nothing modeled can be relied on yet, or None.

    """

    counts: Mapping[str, Any]
    shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    broken: str | None = None
    distrusted: str | None = None
    unlearned: str | None = None
    unsupported: str | None = None
    immature: str | None = None


def load_served_report(
    model: BanditModel, version: PolicyVersion, current: CurrentFigures | None = None
) -> StoredReport:
    """Return the report of the version that serves; empty before the first training.

    `weight` and `enabled` of each row are as it is served, also once it is shipped.
    `unlearned` is why figures of the allocation are withheld, `distrusted` why modeled
    rewards are, and `withheld` why the best variant of a context is: these are null.
    `broken` and `immature` are why all of them are, and there are no coefficients then.
    Without `current` figures, counts and reasons are those of the training.
    """
    stored = version.report
    if stored is not None and current is not None:
        stored = _bring_up_to_date(stored, current)
    report = _restate_for_serving(model, version, stored)
    if report is None:
        return {}
    for row in _iterate_variant_rows(report):
        row["enabled"] = row["number"] in version.enabled
    if current is None:
        report["unlearned"] = (
            None if versions.is_learned(version) else versions.VARIANTS_CHANGED
        )
    _withhold_figures(report)
    return report


def _withhold_figures(report: StoredReport) -> None:
    """Make null what the reasons in the report withhold, and set `withheld`."""
    distrusted, nothing = report.get("distrusted"), explain_nothing(report)
    unlearned = report["unlearned"]
    report["withheld"] = nothing or distrusted or unlearned or report.get("unsupported")
    if unlearned or nothing:
        _withhold_best(report)
    if distrusted or nothing:
        _withhold_rewards(report)
    if nothing:
        report["coefficients"] = []
    if report["withheld"]:
        _withhold_best_of_contexts(report)


def explain_nothing(report: StoredReport) -> str | None:
    """Return why no modeled figure of a report is shown, or None."""
    reason: str | None = report.get("broken") or report.get("immature")
    return reason


def _bring_up_to_date(report: StoredReport, current: CurrentFigures) -> StoredReport:
    """Return the report with the counts of the last count, and what they withhold."""
    contexts = [
        {**row, "share": current.shares.get((row["factor"], row["level"]), 0.0)}
        for row in report["contexts"]
    ]
    return {
        **report,
        "counts": current.counts,
        "contexts": contexts,
        "broken": current.broken,
        "distrusted": current.distrusted,
        "unlearned": current.unlearned,
        "unsupported": current.unsupported,
        "immature": current.immature,
    }


def _restate_for_serving(
    model: BanditModel, version: PolicyVersion, report: StoredReport | None
) -> StoredReport | None:
    """Return the report with the weights that are served now.

    Reads what is shipped and held out through the relation between the two: this app
    must not import optimizations.
    """
    optimization = model.optimization
    is_shipped = optimization.shipped_at is not None
    holdout_share = 0.0 if is_shipped else optimization.holdout_percentage / 100
    return restated_report.restate_report(
        report,
        model.design,
        versions.read_served_table(version, is_shipped=is_shipped),
        optimized_share=1 - holdout_share,
    )


def _iterate_variant_rows(report: StoredReport) -> Iterator[dict[str, Any]]:
    """Yield the rows of variants, overall and at each context level."""
    yield from report.get("variants", ())
    for level in report.get("contexts", ()):
        yield from level["variants"]


def _withhold_best(report: StoredReport) -> None:
    for row in _iterate_variant_rows(report):
        row["prob_best"] = None


def _withhold_rewards(report: StoredReport) -> None:
    for row in _iterate_variant_rows(report):
        row["expected_reward"] = NULL_ESTIMATE


def _withhold_best_of_contexts(report: StoredReport) -> None:
    for level in report.get("contexts", ()):
        level["prob_best"] = level["best_variant"] = None
        level["expected_gain"] = NULL_ESTIMATE
