"""What each policy version served and which variants it took to be best."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from models_app.models import BanditModel, PolicyVersion

TABLES = ("probabilities", "prob_best", "report")  # megabytes, which no figure needs
NOT_TRAINED = "no training had succeeded yet"
NOT_LEARNED = (
    "variants were enabled, disabled or excluded: no training has judged those that this "
    "version serves"
)
FIGURES_DROPPED = "the figures of this version were dropped after POLICY_FIGURE_DAYS"


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Allocation and probability to be best, by variant number.

    Attributes
    ----------
    weights: shares of the optimized arm's users; they add up to 1.
    prob_best: overall, as that training reported it; None where it is withheld.
    unavailable: why it is.

    """

    weights: Mapping[int, float]
    prob_best: Mapping[int, float] | None
    unavailable: Mapping[str, str]


def select_versions(model: BanditModel) -> QuerySet[PolicyVersion]:
    """Return a model's versions with what `build_figures` reads, without their tables."""
    return model.policy_versions.defer(*TABLES).annotate(
        variant_rows=KeyTransform("variants", "report"),
        broken=KeyTextTransform("broken", "report"),
        immature=KeyTextTransform("immature", "report"),
        has_figures=Q(prob_best__isnull=False),
    )


def build_figures(version: Any) -> VersionFigures:
    """Return the figures of a version that `select_versions` has read.

    With context factors the weights are averaged over the contexts of the users whom its
    training had counted, or evenly before anybody was. A version without a report serves
    its enabled variants evenly.
    """
    rows = version.variant_rows
    if not rows:
        share = 1 / len(version.enabled)
        weights = dict.fromkeys(version.enabled, share)
        return VersionFigures(weights, None, {"prob_best": NOT_TRAINED})
    total = sum(row["weight"] for row in rows) or 1.0
    reason = _explain_withheld(version)
    return VersionFigures(
        weights={row["number"]: row["weight"] / total for row in rows},
        prob_best=(
            None if reason else {row["number"]: row["prob_best"] for row in rows}
        ),
        unavailable={"prob_best": reason} if reason else {},
    )


def _explain_withheld(version: Any) -> str | None:
    """Return why nobody is told which variant is best by this version, or None."""
    if version.cause == PolicyVersion.Cause.VARIANTS:
        return NOT_LEARNED
    if not version.has_figures:
        return FIGURES_DROPPED
    reason: str | None = version.broken or version.immature
    return reason
