"""The state of a model with the counts and the health that results have, too."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from models_app import state
from models_app.served_report import CurrentFigures
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import stored
from optimizations.results.checks import calibration
from optimizations.results.health import health_records
from optimizations.results.health.health import Health, explain_broken
from optimizations.results.lift import measured_lift_by_context
from optimizations.results.model import model_support, served_model


@dataclass(frozen=True, slots=True)
class ModelState(state.ModelState):
    """What a model has learned, beside the counts of the last count."""

    health: Health
    as_of: Annotated[datetime | None, "When the warehouse last counted the reward."]


def build_model_state(optimization: Optimization) -> ModelState:
    """Return the state of the optimization's model, by the counts that results show.

    What results withhold is withheld here for the same reason.
    """
    cube = stored.load_reward_cube(optimization)
    health = health_records.load_health(optimization)
    current = _read_current(optimization, cube, health)
    learned = state.build_state(optimization.model, current)
    figures = {field.name: getattr(learned, field.name) for field in fields(learned)}
    return ModelState(**figures, health=health, as_of=cube.as_of)


def _read_current(
    optimization: Optimization, cube: ObservationCube, health: Health
) -> CurrentFigures:
    counts = stored.build_report_counts(optimization, cube)
    served = served_model.load_served_model(optimization)
    metric = optimization.reward_metric
    if not served.report or metric is None:
        return CurrentFigures(counts)
    return CurrentFigures(
        counts=counts,
        shares=measured_lift_by_context.compute_level_shares(optimization, cube),
        broken=explain_broken(health) or served.report.get("broken"),
        distrusted=calibration.explain_distrust(
            served.report, calibration.check_calibration(served.report, cube, metric)
        ),
        unlearned=served.unlearned,
        unsupported=model_support.explain_missing_support(metric, cube),
        immature=model_support.explain_immaturity(cube),
    )
