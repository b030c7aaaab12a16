"""Look up in the database everything that a soak's clients were told."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import class_row

from benchmarks.soak import checks
from benchmarks.soak.checks import Decided
from benchmarks.soak.journal import Answer, Journal

SELECT_RECEIPTS = """
SELECT anonymous_id, id, variant_number, policy_version,
       extract(epoch FROM decided_at)::float8 AS decided_at
FROM decisions WHERE optimization_id = %s ORDER BY decided_at
"""
SELECT_ASSIGNMENTS = """
SELECT anonymous_id, decision_id AS id, variant_number, policy_version,
       extract(epoch FROM decided_at)::float8 AS decided_at
FROM assignments WHERE optimization_id = %s
"""


def check_everything(
    database_url: str, optimization_ids: Sequence[str], journal: Journal
) -> list[str]:
    """Return a sentence for each violation of what the service promises.

    `optimization_ids` are the one whose variants were barred and the other one.
    """
    barred_id, other_id = optimization_ids
    with psycopg.connect(database_url) as database:
        rewards = _load_column(database, "SELECT value::int8 FROM managed_rewards")
        exposures = _load_column(database, "SELECT anonymous_id FROM managed_exposures")
        return [
            *journal.wrong_answers,
            *_check_decisions(database, barred_id, journal.answers, journal),
            *_check_decisions(database, other_id, journal.other_answers, journal),
            *checks.check_bars(journal),
            *checks.check_events("reward", journal.rewards, rewards),
            *checks.check_events("exposure", journal.exposures, exposures),
            *checks.check_connections(journal),
        ]


def _check_decisions(
    database: psycopg.Connection[Any],
    optimization_id: str,
    answers: Sequence[Answer],
    journal: Journal,
) -> list[str]:
    """Check assignments, receipts and answers of one optimization."""
    assignments = _load_decided(database, SELECT_ASSIGNMENTS, optimization_id)
    receipts_by_user: dict[str, list[Decided]] = defaultdict(list)
    for receipt in _load_decided(database, SELECT_RECEIPTS, optimization_id):
        receipts_by_user[receipt.anonymous_id].append(receipt)
    return [
        *checks.check_assignments(assignments, receipts_by_user, answers),
        *checks.check_redraws(receipts_by_user, journal.bars),
        *checks.check_answers(receipts_by_user, answers),
        *checks.check_unrecorded(journal.unrecorded, receipts_by_user),
    ]


def _load_decided(
    database: psycopg.Connection[Any], statement: str, optimization_id: str
) -> list[Decided]:
    with database.cursor(row_factory=class_row(Decided)) as cursor:
        return cursor.execute(statement, [optimization_id]).fetchall()


def _load_column(database: psycopg.Connection[Any], statement: str) -> list[Any]:
    return [value for (value,) in database.execute(statement)]
