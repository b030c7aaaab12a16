"""Today in the lift history: what is published is what results say of what is served."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone

from optimizations.models import Optimization
from optimizations.results.health import health_evidence, health_judgement
from optimizations.results.health.health import Health
from optimizations.results.health.health_evidence import Evidence
from optimizations.results.model import leader, served_model
from optimizations.results.model.served_model import ServedModel
from optimizations.results.readings import history, modeled, progress

# The modeled lifts of the history, and their names in the results.
LIFT_NAMES = {
    "policy_lift_percent": "estimated_improvement_percent",
    "policy_lift_interval": "estimated_improvement_interval",
    "best_lift_percent": "best_vs_baseline_percent",
    "best_lift_interval": "best_vs_baseline_interval",
}


def build_published_figures(
    optimization: Optimization, evidence: Evidence
) -> dict[str, Any]:
    """Return what the lift history stores of a day, without modeled lifts withheld."""
    served = served_model.load_served_model(optimization)
    figures = history.build_measured_figures(evidence.comparison, evidence.cube.as_of)
    health = health_judgement.judge_evidence(optimization, evidence)
    modeled_figures = _build_modeled_figures(optimization, served, evidence, health)
    reasons = figures["unavailable"] | modeled_figures["unavailable"]
    return {
        **figures,
        **modeled_figures,
        "unavailable": reasons,
        "health": history.encode_health(health),
    }


def republish_today(optimization: Optimization) -> None:
    """Publish today again after what is served changed, from the stored counts.

    Called through settings.SERVED_CHANGES inside the transaction of the change. Only what
    is shipped is published on a day without a training; past days never change.
    """
    now = timezone.now()
    is_published = history.find_day(optimization, now) is not None
    is_shipped = optimization.shipped_at is not None
    if not (is_published or is_shipped):
        return
    if not served_model.load_served_model(optimization).report:
        return
    evidence = health_evidence.collect_evidence(optimization)
    figures = build_published_figures(optimization, evidence)
    history.publish_day(optimization, figures, now)


def _build_modeled_figures(
    optimization: Optimization,
    served: ServedModel,
    evidence: Evidence,
    health: Health,
) -> dict[str, Any]:
    """Return the lifts and the winner that results and progress show, with the reasons."""
    withheld = progress.find_withholding_reasons(
        optimization, served, evidence.cube, health
    )
    best = leader.find_leader(served.report, served.enabled)
    stats, reasons = modeled.build_stats(served.report, best, withheld.allocation)
    shown = asdict(stats)
    winner, _ = progress.find_winner(served, evidence.cube, withheld)
    return {
        **{published: shown[name] for published, name in LIFT_NAMES.items()},
        "winner": None if winner is None else winner.number,
        "unavailable": {
            published: reasons[f"stats.{name}"]
            for published, name in LIFT_NAMES.items()
            if f"stats.{name}" in reasons
        },
    }
