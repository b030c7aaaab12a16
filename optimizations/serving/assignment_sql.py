"""The statements that store and read assignments: text and parameters. No connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from levered_site.array_literals import format_array
from optimizations.models import Decision
from optimizations.serving.snapshot import Proposal

# The parts that both statements share, by the names that stand for them.
_PARTS = {
    "<claim columns>": """
    %s::uuid[], %s::text[], %s::text[], %s::int2[], %s::text[], %s::text[],
    %s::bool[], %s::int4[], %s::float8[], %s::timestamptz[], %s::int8[], %s::int2[]
""",
    "<claim names>": """
    optimization_id, anonymous_id, organization_id, variant_number, variant,
    context, in_holdout, policy_version, propensity, decided_at, decision_id, redraw
""",
    "<receipts>": """
  INSERT INTO decisions
    (id, organization_id, optimization_id, anonymous_id, variant_number, variant,
     context, in_holdout, policy_version, propensity, decided_at, redraw, draw_rule)
  SELECT decision_id, organization_id, claims.optimization_id, claims.anonymous_id,
         claims.variant_number, variant, context, claims.in_holdout,
         claims.policy_version, claims.propensity, claims.decided_at, redraw,
         <draw rule>
  FROM claims JOIN stored USING (decision_id)
  ON CONFLICT DO NOTHING
""",
    "<draw rule>": str(Decision.DrawRule.RENDEZVOUS.value),
}


def _fill(statement: str) -> bytes:
    for name, part in _PARTS.items():
        statement = statement.replace(name, part)
    return statement.encode()


# One statement, so that an assignment and its receipt are stored together or not at all.
# Claims are sorted by key: two processes cannot deadlock. The claim brings the id of the
# receipt. So a batch sent twice writes nothing twice, and an assignment whose
# `decision_id` is the claim's own is known to be new. DO UPDATE would write a row for
# every repeat.
INSERT_ASSIGNMENTS = _fill("""
WITH claims AS MATERIALIZED (
  SELECT * FROM unnest(<claim columns>) AS c (<claim names>)
), stored AS (
  INSERT INTO assignments
    (optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
     propensity, decided_at, decision_id, redraws)
  SELECT optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
         propensity, decided_at, decision_id, redraw
  FROM claims
  ON CONFLICT (optimization_id, anonymous_id) DO NOTHING
  RETURNING decision_id
), receipts AS (<receipts>)
SELECT decision_id FROM stored
""")

# Compare and set: of several redraws of one user, the first one wins, and only while the
# variant is barred. A process that has yet to hear that a bar was lifted must not replace
# what the others serve already. Rows are locked in the order of their keys.
REPLACE_ASSIGNMENTS = _fill("""
WITH claims AS MATERIALIZED (
  SELECT * FROM unnest(<claim columns>, %s::int8[])
    AS c (<claim names>, replaced_decision_id)
), locked AS MATERIALIZED (
  SELECT claims.* FROM claims
  JOIN assignments AS existing USING (optimization_id, anonymous_id)
  JOIN optimizations_variant AS variants
    ON variants.optimization_id = existing.optimization_id
    AND variants.number = existing.variant_number
  WHERE existing.decision_id = claims.replaced_decision_id
    AND (variants.excluded OR NOT variants.enabled)
  ORDER BY claims.optimization_id, claims.anonymous_id
  FOR UPDATE OF existing
), stored AS (
  UPDATE assignments AS existing SET
    (variant_number, policy_version, propensity, decided_at, decision_id, redraws) =
    (locked.variant_number, locked.policy_version, locked.propensity,
     locked.decided_at, locked.decision_id, locked.redraw)
  FROM locked
  WHERE existing.optimization_id = locked.optimization_id
    AND existing.anonymous_id = locked.anonymous_id
    AND existing.decision_id = locked.replaced_decision_id
  RETURNING existing.decision_id
), receipts AS (<receipts>)
SELECT decision_id FROM stored
""")

SELECT_ASSIGNMENTS = """
SELECT optimization_id, anonymous_id, variant_number, in_holdout, policy_version,
       propensity, decided_at, decision_id, redraws
FROM unnest(%s::uuid[], %s::text[]) AS wanted (optimization_id, anonymous_id)
JOIN assignments USING (optimization_id, anonymous_id)
"""


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """A row of SELECT_ASSIGNMENTS: what the user is assigned now."""

    optimization_id: UUID
    anonymous_id: str
    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    decision_id: int
    redraws: int


def build_claim_parameters(claims: Sequence[tuple[int, Proposal]]) -> list[str]:
    """Return the arrays of INSERT_ASSIGNMENTS: pairs (decision id, proposal), sorted."""
    proposals = [proposal for _, proposal in claims]
    snapshots = [proposal.snapshot for proposal in proposals]
    columns: list[list[Any]] = [
        [snapshot.optimization_id for snapshot in snapshots],
        [each.anonymous_id for each in proposals],
        [snapshot.organization_id for snapshot in snapshots],
        [each.card.number for each in proposals],
        [each.card.key for each in proposals],
        [each.context.recorded for each in proposals],
        [each.in_holdout for each in proposals],
        [snapshot.policy_version for snapshot in snapshots],
        [each.propensity for each in proposals],
        [each.decided_at for each in proposals],
        [decision_id for decision_id, _ in claims],
        [each.redraw for each in proposals],
    ]
    return [format_array(column) for column in columns]


def build_key_parameters(keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return the arrays of SELECT_ASSIGNMENTS: optimization ids, anonymous ids."""
    return [
        format_array([optimization_id for optimization_id, _ in keys]),
        format_array([anonymous_id for _, anonymous_id in keys]),
    ]
