"""What a refresh counts, and where: a plan with its checked queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from levered_site.errors import LeveredError
from metrics.models import Metric
from optimizations.cube import specification
from optimizations.cube.specification import CountPlan, RevisionPlan
from optimizations.models import Optimization
from warehouse import connections
from warehouse.backends.base import Backend
from warehouse.sql.cube.statement import CheckedMetric, CheckedSource, CubeSpec

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CountTask:
    """What to count where: a plan, the checked query of each revision, and the source.

    The managed store has no source.
    """

    optimization: Optimization
    metric: Metric
    warehouse: Backend
    plan: CountPlan
    queries: Mapping[int, CheckedMetric]
    source: CheckedSource | None

    @property
    def spec(self) -> CubeSpec:
        """The spec of the present revision."""
        return self.plan.present.spec

    def list_reward_names(self) -> Sequence[str] | None:
        """List the names of the rewards that any revision reads; None for all rewards."""
        names: set[str] = set()
        for query in self.queries.values():
            if query.query.reward_names is None:
                return None
            names.update(query.query.reward_names)
        return sorted(names)


def build_task(
    optimization: Optimization, metric: Metric, as_of: datetime
) -> CountTask:
    """Return what to count. A replaced revision that the warehouse refuses is left out.

    Raises what `specification.build_count_plan` and `validate_queries` raise.
    """
    plan = specification.build_count_plan(optimization, metric, as_of)
    warehouse = connections.load_backend(optimization.organization_id)
    checked, source = specification.validate_queries(
        optimization, plan.present.definition, warehouse
    )
    queries = {plan.present.definition.revision: checked}
    for revision in plan.revisions[:-1]:
        sql, mapping = revision.definition.sql, revision.definition.column_mapping
        try:
            query = warehouse.validate_metric(sql, mapping)
            queries[revision.definition.revision] = query
        except LeveredError as error:
            plan = leave_out(plan, revision, error)
    dependent = {
        revision for revision, query in queries.items() if query.depends_on_start
    }
    plan = plan.mark_dependent(dependent)
    return CountTask(optimization, metric, warehouse, plan, queries, source)


def leave_out(
    plan: CountPlan, revision: RevisionPlan, error: LeveredError
) -> CountPlan:
    """Return the plan without a replaced revision that failed, and log why."""
    log.warning(
        "replaced_revision_not_counted",
        optimization_id=revision.spec.optimization_id,
        revision=revision.definition.revision,
        error=error.message,
    )
    return plan.leave_out(revision)
