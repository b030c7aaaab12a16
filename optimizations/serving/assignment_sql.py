"""The statement that stores assignments and receipts: text, parameters, connection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from psycopg.rows import class_row

from optimizations.serving.snapshot import Proposal, Snapshot

# For a batch that waits for another transaction's lock. Its clients gave up before.
STATEMENT_TIMEOUT = "5s"
# Django's parameters that a plain psycopg connection does not take.
DJANGO_ONLY_PARAMETERS = {"cursor_factory", "context", "prepare_threshold"}

# One statement, so that an assignment and its receipt are stored together or not at all.
# Claims are sorted by key: two processes cannot deadlock. The claim brings the id of the
# receipt. So a batch sent twice writes nothing twice, and a returned row whose
# `decision_id` is the claim's own is known to be new.
UPSERT_ASSIGNMENTS = """
WITH claims AS MATERIALIZED (
  SELECT * FROM unnest(
    %b::uuid[], %b::text[], %b::text[], %b::int2[], %b::text[], %b::text[],
    %b::bool[], %b::int4[], %b::float8[], %b::timestamptz[], %b::int8[]
  ) AS c (optimization_id, anonymous_id, organization_id, variant_number, variant,
          context, in_holdout, policy_version, propensity, decided_at, decision_id)
), unservable AS MATERIALIZED (
  SELECT * FROM unnest(%b::uuid[], %b::int2[]) AS u (optimization_id, variant_number)
), stored AS (
  INSERT INTO assignments AS existing
    (optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
     propensity, decided_at, decision_id)
  SELECT optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
         propensity, decided_at, decision_id
  FROM claims
  ON CONFLICT (optimization_id, anonymous_id) DO UPDATE SET
    (variant_number, in_holdout, policy_version, propensity, decided_at, decision_id) =
    (SELECT
       CASE WHEN redraw THEN excluded.variant_number ELSE existing.variant_number END,
       existing.in_holdout,
       CASE WHEN redraw THEN excluded.policy_version ELSE existing.policy_version END,
       CASE WHEN redraw THEN excluded.propensity ELSE existing.propensity END,
       CASE WHEN redraw THEN excluded.decided_at ELSE existing.decided_at END,
       CASE WHEN redraw THEN excluded.decision_id ELSE existing.decision_id END
     FROM (SELECT NOT excluded.in_holdout AND EXISTS (
             SELECT FROM unservable
             WHERE unservable.optimization_id = existing.optimization_id
               AND unservable.variant_number = existing.variant_number) AS redraw) AS r)
  RETURNING optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
            propensity, decided_at, decision_id
), receipts AS (
  INSERT INTO decisions
    (id, organization_id, optimization_id, anonymous_id, variant_number, variant,
     context, in_holdout, policy_version, propensity, decided_at)
  SELECT decision_id, organization_id, claims.optimization_id, claims.anonymous_id,
         claims.variant_number, variant, context, claims.in_holdout,
         claims.policy_version, claims.propensity, claims.decided_at
  FROM claims JOIN stored USING (decision_id)
  ON CONFLICT DO NOTHING
)
SELECT * FROM stored
"""


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """A row that UPSERT_ASSIGNMENTS returns: what the user is assigned now."""

    optimization_id: UUID
    anonymous_id: str
    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    decision_id: int


def build_parameters(claims: Sequence[tuple[int, Proposal]]) -> list[Any]:
    """Return the parameter arrays of UPSERT_ASSIGNMENTS.

    `claims` are pairs (decision id, proposal), sorted by key. The unservable variants
    come last, from the newest snapshot of each optimization among the claims.
    """
    rows = [_build_row(decision_id, proposal) for decision_id, proposal in claims]
    columns = [list(column) for column in zip(*rows, strict=True)]
    unservable = _list_unservable_variants(proposal.snapshot for _, proposal in claims)
    return [
        *columns,
        [optimization_id for optimization_id, _ in unservable],
        [number for _, number in unservable],
    ]


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
    newest = {
        snapshot.optimization_id: snapshot
        for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.version)
    }
    return [
        (optimization_id, number)
        for optimization_id, snapshot in newest.items()
        for number in snapshot.unservable_numbers
    ]


def open_connection() -> psycopg.Connection[AssignmentRow]:
    """Open a connection that executes UPSERT_ASSIGNMENTS only."""
    parameters = {
        name: value
        for name, value in connections["default"].get_connection_params().items()
        if name not in DJANGO_ONLY_PARAMETERS
    }
    parameters["connect_timeout"] = 2
    parameters["tcp_user_timeout"] = 5000
    parameters["application_name"] = "levered assignments"
    connection = psycopg.connect(
        **parameters, autocommit=True, row_factory=class_row(AssignmentRow)
    )
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    connection.execute("SET timezone = 'UTC'")
    return connection
