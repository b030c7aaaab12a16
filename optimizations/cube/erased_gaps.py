"""Erased users whom the reward's counts still have, and those of a guardrail lack."""

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import connection

from levered_site import database
from metrics import revisions
from metrics.models import Metric
from optimizations.configuration import revision_regimes
from optimizations.cube import specification
from optimizations.models import Optimization, Regime

# Users of the remainders, by what they were counted by, their regime and their day.
SELECT_ERASED_USERS = """
SELECT definition, (cell ->> 'regime')::int AS regime, day,
       sum((cell ->> 'users')::bigint)::bigint AS users
FROM erased_remainders, jsonb_array_elements(rows) AS cell
WHERE optimization_id = %s AND cell ->> 'kind' = 'cell'
GROUP BY 1, 2, 3
"""

ErasedUsers = Mapping[tuple[str, int, date], int]


def count_missing_users(optimization: Optimization, metric: Metric) -> int:
    """Count the erased users of sealed days who left counts for the reward alone.

    A guardrail that was not counted yet when they were erased, and that nobody could
    foresee, lacks them on every day that is counted since. Without an erasure this is
    one look-up in an index.
    """
    reward = optimization.reward_metric
    if reward is None or metric.pk == reward.pk:
        return 0
    erased = _load_erased_users(optimization)
    if not erased:
        return 0
    regimes = list(optimization.regimes.all())  # by number
    of_reward = _sum_by_regime(erased, regimes, reward)
    of_metric = _sum_by_regime(erased, regimes, metric)
    present = revision_regimes.list_revision_regimes(optimization, metric)[-1].numbers
    return sum(
        max(users - of_metric.get((regime, day), 0), 0)
        for (regime, day), users in of_reward.items()
        if regime in present
    )


def _load_erased_users(optimization: Optimization) -> ErasedUsers:
    # Pages read with the optimization whether it has any.
    if getattr(optimization, "has_erased_users", True) is False:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SELECT_ERASED_USERS, [optimization.pk])
        return {
            (row.definition, row.regime, row.day): row.users
            for row in database.fetch_rows(cursor)
        }


def _sum_by_regime(
    erased: ErasedUsers, regimes: Iterable[Regime], metric: Metric
) -> dict[tuple[int, date], int]:
    """Return the erased users by regime and day, as the regime's revision counted them."""
    definitions = {
        number: specification.fingerprint_metric(definition)
        for number, definition in revisions.load_definitions(metric).items()
    }
    counted = {
        regime: definitions.get(revision)
        for regime, revision in revision_regimes.find_revisions(
            list(regimes), metric
        ).items()
    }
    return {
        (regime, day): users
        for (definition, regime, day), users in erased.items()
        if counted.get(regime) == definition
    }
