"""Published policies with random probabilities."""

import numpy as np
from django.db import transaction

from models_app import versions
from models_app.bandit.policy.allocation import CompiledPolicy
from optimizations.models import Optimization
from optimizations.serving import snapshot_store


@transaction.atomic
def publish_random_table(optimization: Optimization, variants: int) -> None:
    """Publish a version with random rows, with and without zeros."""
    rng = np.random.default_rng(variants)
    cells = optimization.model.design.context_cells
    table = rng.dirichlet(np.full(variants, 0.5), cells)
    table[: cells // 2, 1] = 0.0
    table /= table.sum(axis=1, keepdims=True)
    run = optimization.model.training_runs.create(requested_by="test")
    numbers = list(range(1, variants + 1))
    versions.publish_trained(
        optimization.model, run, CompiledPolicy(table, table), numbers, {}
    )
    snapshot_store.publish_on_commit(optimization.pk)
