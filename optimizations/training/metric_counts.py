"""Have the warehouse count reward and guardrails for a training."""

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from levered_site.errors import LeveredError
from metrics.models import Metric
from optimizations.cube import refresh
from optimizations.models import Optimization
from optimizations.results import stored
from optimizations.results.health import guardrails, health_evidence, health_storage
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.stored import StoredCubes

NOT_COUNTED = "“{name}” could not be counted: {message}"

log = structlog.get_logger(__name__)


class CountFailedError(LeveredError):
    """The reward could not be counted; the message names it and what else failed."""


def count_metrics(
    optimization: Optimization,
    metric: Metric,
    as_of: datetime,
    check_lease: Callable[[], None],
) -> StoredCubes:
    """Count the reward `metric` and the guardrails, and store the summary of lists.

    Returns the counts; those of the reward have the rows just read. Raises
    CountFailedError if the reward cannot be counted: the guardrails are counted all the
    same, so that a harm shows. `check_lease` raises if the work must stop instead.
    """
    try:
        cube = refresh.refresh_cube(optimization, metric, as_of)
    except LeveredError as error:
        check_lease()  # the statement may have been cancelled with the run
        stored.refresh_guardrails(optimization, as_of)
        cubes = StoredCubes(optimization)
        _store_summary(optimization, cubes)
        failed = [NOT_COUNTED.format(name=metric.name, message=error.message)]
        failed += list_uncounted(guardrails.judge_guardrails(optimization, cubes))
        message = "; ".join(failed)
        raise CountFailedError(message, retry_after=error.retry_after) from error
    stored.refresh_guardrails(optimization, as_of)
    cubes = StoredCubes(optimization, {metric.pk: cube}, loaded_at=as_of)
    _store_summary(optimization, cubes)
    return cubes


def list_uncounted(rows: Iterable[Guardrail]) -> list[str]:
    """Return a sentence for each guardrail that could not be counted."""
    return [
        NOT_COUNTED.format(name=row.name, message=row.message)
        for row in rows
        if row.message is not None
    ]


def _store_summary(optimization: Optimization, cubes: StoredCubes) -> None:
    """Store what lists show of the new counts, also where nothing can be learned of them."""
    try:
        evidence = health_evidence.collect_evidence(optimization, cubes)
        stored_evidence = health_storage.store_summary(optimization, evidence)
    except ArithmeticError:  # counts beyond all sums: the fit says so
        log.warning("health_not_judged", exc_info=True)
    else:
        if stored_evidence.cube is evidence.cube:  # nobody stored a newer summary
            cubes.current_at = stored_evidence.current_at
