"""Learn again from the stored counts where variants changed since the last training.

Called through settings.SHIP_PREPARATIONS because configuration must not import training.
"""

import structlog
from django.db import transaction

from levered_site.errors import LeveredError
from models_app import versions
from models_app.bandit.regression.fit import NotConvergedError
from models_app.models import PolicyVersion
from optimizations.cube import refresh
from optimizations.models import Optimization
from optimizations.results import stored
from optimizations.training import publish
from optimizations.training.fit import (
    PolicyTrainer,
    TrainingData,
    build_training_settings,
)

# A request cannot wait for longer than about this.
MAX_SECONDS = 10.0
LEARNING_PHASES = ("fit", "compile", "report")

log = structlog.get_logger(__name__)


def learn_changed_variants(optimization: Optimization) -> None:
    """Publish a version learned for the variants enabled now, if the last was not.

    Which variant leads among those that are left does not follow from the last training.
    It learns from the stored counts and asks no warehouse. Where it cannot learn, or
    where the last training took too long to repeat it in a request, the version stays,
    and the figures of the allocation stay withheld. Call it inside a transaction holding
    the optimization's row lock.
    """
    version = versions.find_serving_version(optimization.model)
    if version is None or versions.is_learned(version):
        return
    if _compute_last_seconds(optimization) > MAX_SECONDS:
        log.warning("not_learned_before_shipping", reason="it takes too long")
        return
    try:
        with transaction.atomic():
            _publish_learned(optimization)
    except (LeveredError, NotConvergedError, ArithmeticError) as error:
        log.warning("not_learned_before_shipping", reason=str(error))


def _compute_last_seconds(optimization: Optimization) -> float:
    trained = versions.find_trained_version(optimization.model)
    run = trained and trained.training_run
    return sum(run.seconds.get(phase, 0.0) for phase in LEARNING_PHASES) if run else 0.0


def _publish_learned(optimization: Optimization) -> PolicyVersion:
    metric = stored.require_reward_metric(optimization)
    cube = refresh.load_cube(optimization, metric)
    data = TrainingData(
        optimization,
        metric,
        cube,
        cube.as_of or optimization.updated_at,
        optimization.servable(),
    )
    trainer = PolicyTrainer(data, build_training_settings(optimization))
    fitted_reward = trainer.fit()
    policy = trainer.compile_policy(fitted_reward)
    figures = trainer.build_report(fitted_reward, policy)
    return versions.publish_trained(
        optimization.model,
        None,
        trainer.widen_policy(policy),
        data.enabled,
        publish.build_report_document(optimization, figures, cube),
    )
