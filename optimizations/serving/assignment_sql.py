"""The statement that keeps locks and receipts: its text, its arrays, its connection."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connections

from optimizations.serving.snapshot import Proposal, Snapshot

STATEMENT_TIMEOUT = "5s"  # a batch behind somebody's lock; its clients have left before

# One statement, so that a lock and its receipt are there together or not at all.
# Sorted by key: two processes never wait for each other crosswise. The receipt's id
# comes with the claim, so that a batch sent twice writes nothing twice, and a lock
# whose `decision_id` is the claim's own is known to be new.
UPSERT_ASSIGNMENTS = """
WITH asked AS MATERIALIZED (
  SELECT * FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::int2[], %b::text[], %b::text[],
    %b::bool[], %b::int4[], %b::float8[], %b::timestamptz[], %b::int8[]
  ) AS a (optimization_id, anonymous_id, organization_id, variant_number, variant,
          context, in_holdout, policy_version, propensity, decided_at, decision_id)
), barred AS MATERIALIZED (
  SELECT * FROM unnest(%b::uuid[], %b::int2[]) AS b (optimization_id, variant_number)
), kept AS (
  INSERT INTO assignments AS mine
    (optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
     propensity, decided_at, decision_id)
  SELECT optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
         propensity, decided_at, decision_id
  FROM asked
  ON CONFLICT (optimization_id, anonymous_id) DO UPDATE SET
    (variant_number, in_holdout, policy_version, propensity, decided_at, decision_id) =
    (SELECT
       CASE WHEN anew THEN excluded.variant_number ELSE mine.variant_number END,
       mine.in_holdout,
       CASE WHEN anew THEN excluded.policy_version ELSE mine.policy_version END,
       CASE WHEN anew THEN excluded.propensity ELSE mine.propensity END,
       CASE WHEN anew THEN excluded.decided_at ELSE mine.decided_at END,
       CASE WHEN anew THEN excluded.decision_id ELSE mine.decision_id END
     FROM (SELECT NOT excluded.in_holdout AND EXISTS (
             SELECT FROM barred
             WHERE barred.optimization_id = mine.optimization_id
               AND barred.variant_number = mine.variant_number) AS anew) AS redraw)
  RETURNING optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
            propensity, decided_at, decision_id
), receipts AS (
  INSERT INTO decisions
    (id, organization_id, optimization_id, anonymous_id, variant_number, variant,
     context, in_holdout, policy_version, propensity, decided_at)
  SELECT decision_id, organization_id, asked.optimization_id, asked.anonymous_id,
         asked.variant_number, variant, context, asked.in_holdout,
         asked.policy_version, asked.propensity, asked.decided_at
  FROM asked JOIN kept USING (decision_id)
  ON CONFLICT DO NOTHING
)
SELECT * FROM kept
"""


def build_parameters(claims: Sequence[tuple[int, Proposal]]) -> list[Any]:
    """Lay claims (decision id, proposal), sorted by key, out as the arrays of CLAIM.

    The barred variants come last, as the newest snapshot of each optimization among
    the claims knows them.
    """
    rows = [_build_row(decision_id, proposal) for decision_id, proposal in claims]
    columns = [list(column) for column in zip(*rows, strict=True)]
    barred = _list_unservable_variants(proposal.snapshot for _, proposal in claims)
    return [*columns, [key for key, _ in barred], [number for _, number in barred]]


def _build_row(decision_id: int, proposal: Proposal) -> tuple[Any, ...]:
    return (
        proposal.snapshot.optimization_id,
        proposal.anonymous_id,
        proposal.snapshot.organization_id,
        proposal.card.number,
        proposal.card.key,
        proposal.context.recorded,
        proposal.in_holdout,
        proposal.snapshot.policy_version,
        proposal.propensity,
        proposal.decided_at,
        decision_id,
    )


def _list_unservable_variants(snapshots: Iterable[Snapshot]) -> list[tuple[str, int]]:
    newest = {}
    for snapshot in sorted(snapshots, key=lambda one: one.version):
        newest[snapshot.optimization_id] = snapshot
    return [
        (key, number)
        for key, one in newest.items()
        for number in one.unservable_numbers
    ]


def open_connection() -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection of our own: CLAIM is all that it sees."""
    known = connections["default"].get_connection_params()
    wanted = {
        name: value
        for name, value in known.items()
        if name not in {"cursor_factory", "context", "prepare_threshold"}
    }
    wanted["connect_timeout"] = 2
    wanted["tcp_user_timeout"] = 5000
    wanted["application_name"] = "levered locks"
    connection = psycopg.connect(**wanted, autocommit=True)
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    connection.execute("SET timezone = 'UTC'")
    return connection
