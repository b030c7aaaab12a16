"""The stored report as it applies to what is served, without the figures withheld."""

from collections.abc import Iterator
from typing import Any

from models_app import restated_report, versions
from models_app.models import BanditModel, PolicyVersion, StoredReport

NULL_ESTIMATE = {"mean": None, "lo": None, "hi": None}


def load_served_report(model: BanditModel, version: PolicyVersion) -> StoredReport:
    """Return the report of the version that serves; empty before the first training.

    `weight` and `enabled` of each row are as it is served, also once it is shipped.
    `unlearned` is why figures of the allocation are withheld, `distrusted` why modeled
    rewards and the best variant of a context are: these are null.
    """
    report = _restate_for_serving(model, version)
    if report is None:
        return {}
    for row in _iterate_variant_rows(report):
        row["enabled"] = row["number"] in version.enabled
    report["unlearned"] = (
        None if versions.is_learned(version) else versions.VARIANTS_CHANGED
    )
    if report["unlearned"]:
        _withhold_best(report)
    if report.get("distrusted"):
        _withhold_rewards(report)
    return report


def _restate_for_serving(
    model: BanditModel, version: PolicyVersion
) -> StoredReport | None:
    """Return the report with the weights that are served now.

    Reads what is shipped and held out through the relation between the two: this app
    must not import optimizations.
    """
    optimization = model.optimization
    is_shipped = optimization.shipped_at is not None
    holdout_share = 0.0 if is_shipped else optimization.holdout_percentage / 100
    return restated_report.restate_report(
        version.report,
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
    _withhold_best_of_contexts(report)


def _withhold_rewards(report: StoredReport) -> None:
    for row in _iterate_variant_rows(report):
        row["expected_reward"] = NULL_ESTIMATE
    _withhold_best_of_contexts(report)


def _withhold_best_of_contexts(report: StoredReport) -> None:
    for level in report.get("contexts", ()):
        level["prob_best"] = level["best_variant"] = None
        level["expected_gain"] = NULL_ESTIMATE
