"""The figures of a training run as they may be shown now."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Max

from models_app.models import TrainingRun

# The reason of the health by which modeled rewards are withheld.
DISTRUST_CODE = "baseline_sanity"


def load_shown_figures(
    run: TrainingRun, newest_versions: Mapping[UUID, int | None] | None = None
) -> dict[str, Any] | None:
    """Return the in-sample figures, without the expected reward if it is not trusted now.

    A run that passed its own check may fail that of a later count, and results withhold
    its rewards then. Of a run that another one followed, nothing is checked any more: its
    reward is what the model assumed then. `newest_versions` are those of many runs'
    models, by `load_newest_versions`; without them a query looks for a newer run.
    """
    figures = run.in_sample_metrics
    if not figures or figures.get("expected_reward") is None:
        return figures
    reason = _find_distrust(run)
    if reason is None or not _is_newest(run, newest_versions):
        return figures
    unavailable = {**figures.get("unavailable", {}), "expected_reward": reason}
    return {**figures, "expected_reward": None, "unavailable": unavailable}


def _find_distrust(run: TrainingRun) -> str | None:
    """Return why the last count distrusts the model; None if it does not.

    Reads the summary through the relation between the two: this app must not import
    optimizations.
    """
    optimization = getattr(run.model, "optimization", None)
    summary = getattr(optimization, "results_summary", None)
    reasons: list[dict[str, str]] = summary.check_reasons if summary else []
    messages = (row["message"] for row in reasons if row["code"] == DISTRUST_CODE)
    return next(messages, None)


def load_newest_versions(runs: Iterable[TrainingRun]) -> dict[UUID, int | None]:
    """Return the newest version that a training published, by the model of the runs."""
    models = {run.model_id for run in runs}
    trained = TrainingRun.objects.filter(
        model__in=models, status=TrainingRun.Status.SUCCEEDED
    )
    newest = trained.values("model").annotate(newest=Max("policy_version"))
    return dict(newest.values_list("model", "newest"))


def _is_newest(
    run: TrainingRun, newest_versions: Mapping[UUID, int | None] | None
) -> bool:
    if newest_versions is not None:
        newest = newest_versions.get(run.model_id) or 0
        return newest <= (run.policy_version or 0)
    newer = TrainingRun.objects.filter(
        model=run.model_id,
        status=TrainingRun.Status.SUCCEEDED,
        policy_version__gt=run.policy_version or 0,
    )
    return not newer.exists()
