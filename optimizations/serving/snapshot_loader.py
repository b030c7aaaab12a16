"""An optimization compiled into the one frozen value that serving needs of it."""

import numpy as np
from django.db import connection, transaction

from models_app import versions
from models_app.bandit.policy import allocation
from optimizations import factors
from optimizations.models import Optimization
from optimizations.serving import snapshot
from optimizations.serving.snapshot import Card, Snapshot


def load(optimization_id: str) -> Snapshot | None:
    """Read from the database, all of one moment; None where there is no such thing.

    One that is out of sight is archived, and answers as such.
    """
    with transaction.atomic():
        if not connection.savepoint_ids:  # the outermost transaction is this one
            connection.cursor().execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
            )
        optimization = (
            Optimization.objects.select_related("model")
            .filter(pk=optimization_id)
            .first()
        )
        return None if optimization is None else of(optimization)


def of(optimization: Optimization) -> Snapshot:
    """Compile an optimization into what serving needs."""
    config = optimization.model.training_data_config
    cards = _cards(optimization)
    contexts = factors.context_factors(config)
    servable = np.array([card.servable for card in cards])
    version = versions.serving(optimization.model)
    if version is None:  # a draft: nothing serves yet
        table = allocation.uniform(factors.segments(contexts), servable)
        prob_best = table
    else:
        table = versions.table(version)
        best = versions.prob_best(version)
        prob_best = table if best is None else best
    return Snapshot(
        optimization_id=str(optimization.pk),
        organization_id=optimization.organization_id,
        version=optimization.snapshot_version,
        status=optimization.status,
        holdout_threshold=snapshot.holdout_threshold(optimization.holdout_percentage),
        allowed_origins=tuple(optimization.allowed_origins),
        cards=cards,
        contexts=contexts,
        policy_version=optimization.model.policy_version,
        probabilities=table,
        leading=snapshot.leading(prob_best, servable),
    )


def _cards(optimization: Optimization) -> tuple[Card, ...]:
    design = optimization.model.training_data_config["design_factors"]
    rows = optimization.variants.order_by("number").values_list(
        "number", "variant_key", "enabled", "excluded"
    )
    return tuple(
        Card(number, key, combination, enabled and not excluded)
        for (number, key, enabled, excluded), combination in zip(
            rows, factors.combinations(design), strict=True
        )
    )
