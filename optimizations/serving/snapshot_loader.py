"""Build snapshots from the database."""

from collections.abc import Sequence

import numpy as np
from django.db import connection, transaction

from models_app import versions
from models_app.bandit.policy import allocation
from optimizations import factors
from optimizations.models import Optimization
from optimizations.serving import snapshot
from optimizations.serving.snapshot import Snapshot, VariantCard


def query_snapshot(optimization_id: str) -> Snapshot | None:
    """Load a snapshot, all its parts as of one moment; None for an unknown id.

    A deleted optimization whose data were kept is archived, and so is its snapshot.
    """
    with transaction.atomic():
        # Only the outermost transaction may set its isolation level.
        if not connection.savepoint_ids:
            connection.cursor().execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
            )
        optimization = (
            Optimization.objects.select_related("model")
            .filter(pk=optimization_id)
            .first()
        )
        return None if optimization is None else build_snapshot(optimization)


def query_versions(optimization_ids: Sequence[str]) -> dict[str, int]:
    """Return the version of each optimization's state; unknown ids are left out."""
    rows = Optimization.objects.filter(pk__in=optimization_ids).values_list(
        "pk", "snapshot_version"
    )
    return {str(pk): version for pk, version in rows}


def build_snapshot(optimization: Optimization) -> Snapshot:
    """Build the snapshot of an optimization."""
    config = optimization.model.training_data_config
    cards = _build_cards(optimization)
    contexts = factors.parse_context_factors(config)
    servable = np.array([card.servable for card in cards])
    version = versions.find_serving_version(optimization.model)
    if version is None:  # a draft has no policy version yet
        table = allocation.build_uniform_table(
            factors.count_context_cells(contexts), servable
        )
        prob_best = table
    else:
        table = versions.read_table(version)
        stored_prob_best = versions.read_prob_best(version)
        prob_best = table if stored_prob_best is None else stored_prob_best
    return Snapshot(
        optimization_id=str(optimization.pk),
        organization_id=optimization.organization_id,
        version=optimization.snapshot_version,
        status=optimization.status,
        holdout_percentage=optimization.holdout_percentage,
        holdout_threshold=snapshot.compute_holdout_threshold(
            optimization.holdout_percentage
        ),
        public_policy=optimization.public_policy,
        allowed_origins=tuple(optimization.allowed_origins),
        cards=cards,
        contexts=contexts,
        policy_version=optimization.model.policy_version,
        probabilities=table,
        leading=snapshot.pick_leading_variants(prob_best, servable),
        assignments_epoch=optimization.assignments_epoch,
    )


def _build_cards(optimization: Optimization) -> tuple[VariantCard, ...]:
    design_factors = optimization.model.training_data_config["design_factors"]
    rows = optimization.variants.order_by("number").values_list(
        "number", "variant_key", "enabled", "excluded"
    )
    return tuple(
        VariantCard(number, key, combination, enabled and not excluded)
        for (number, key, enabled, excluded), combination in zip(
            rows, factors.list_combinations(design_factors), strict=True
        )
    )
