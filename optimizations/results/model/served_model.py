"""What is served now: the allocation, and the report as far as it describes that."""

from collections.abc import Mapping
from dataclasses import dataclass

from models_app import versions
from models_app.bandit.design.design import Floats
from models_app.models import PolicyVersion, StoredReport
from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization

NOT_LEARNED_AS_SHIPPED = (
    "the last training did not compute this figure for what is shipped; make it live "
    "again, train, then ship"
)
SHIPPED_FIGURES = (
    "estimated_improvement_percent",
    "estimated_improvement",
    "estimated_progress",
)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The model as it serves now.

    Attributes
    ----------
    report: of the version that serves; empty before the first training. The figures of
        the allocation are those of what is shipped once it is shipped.
    table: [S, V] probabilities that are served; None for a draft.
    enabled: numbers of the variants that may be served.
    optimized_share: share of traffic (0 to 1) that the table serves.
    unlearned: why figures of the allocation are withheld, or None.

    """

    report: StoredReport
    table: Floats | None
    enabled: frozenset[int]
    optimized_share: float
    unlearned: str | None


def load_served_model(optimization: Optimization) -> ServedModel:
    """Return what serves now, as after disabling, shipping or un-shipping."""
    version = versions.find_serving_version(optimization.model)
    if version is None:
        return ServedModel({}, None, frozenset(), 1.0, None)
    report: StoredReport = version.report or {}
    is_shipped = optimization.shipped_at is not None
    if is_shipped and report:
        report = select_shipped_figures(report)
    return ServedModel(
        report=report,
        table=versions.read_served_table(version, is_shipped=is_shipped),
        enabled=frozenset(version.enabled),
        optimized_share=1.0
        if is_shipped
        else 1 - optimization.holdout_percentage / 100,
        unlearned=(
            _explain_unlearned(version, report, is_shipped=is_shipped)
            if report
            else None
        ),
    )


def select_shipped_figures(report: StoredReport) -> StoredReport:
    """Return the report with the figures of the leading variants as the allocation's.

    They are None in reports of earlier versions, which do not have them.
    """
    shipped: Mapping[str, object] = report.get("shipped") or {}
    contexts = [
        {**row, "estimated_improvement_percent": row.get("shipped_improvement_percent")}
        for row in report["contexts"]
    ]
    figures = {name: shipped.get(name) for name in SHIPPED_FIGURES}
    return {**report, **figures, "contexts": contexts}


def _explain_unlearned(
    version: PolicyVersion, report: StoredReport, *, is_shipped: bool
) -> str | None:
    if is_shipped:
        is_known = report["estimated_progress"] is not None
        is_learned = is_known and versions.is_learned(version)
        return None if is_learned else NOT_LEARNED_AS_SHIPPED
    return None if versions.is_learned(version) else versions.VARIANTS_CHANGED


def compute_traffic_weights(
    served: ServedModel, cube: ObservationCube
) -> dict[int, float]:
    """Return each variant's share of all traffic as it is served now; empty for a draft.

    It is averaged over the contexts of the users seen so far, or evenly if there are
    none. The holdout's traffic to the baseline is not included.
    """
    if served.table is None:
        return {}
    counts = aggregates.count_by_key(cube.arrays, cube.arrays.context)
    total = sum(context.users for context in counts.values())
    cells = len(served.table)
    mix = [
        counts.get((context,), Counts()).users / total if total else 1 / cells
        for context in range(cells)
    ]
    return {
        number: float(weight) * served.optimized_share
        for number, weight in enumerate(mix @ served.table, start=1)
    }
