"""Logarithmic buckets of what users paid: sums per bucket, day and arm, in every dialect.

From them a revenue that counts at most X of any one user is exact for each X that is an
edge. The text compares with the edges themselves, because logarithms differ in their last
digit between engines, and prices like 100 are edges.
"""

from warehouse.sql.shapes import CubeSpec

# Bucket b (1 to BUCKETS) holds |value| from above the (b - 1)th edge up to the bth; buckets of
# values below zero are negative, and 0 is in none.
# Powers of 10^(1/4) from 0.0001 to 3.162e11, for any currency; one bucket more is beyond.
EDGES = tuple(float(f"{10 ** (quarter / 4):.4g}") for quarter in range(-16, 47))
BUCKETS = len(EDGES) + 1
EDGES_PER_LINE = 2


def build_bucket_slots(spec: CubeSpec, value: str) -> dict[str, str]:
    """Return the slots that add a row per bucket, for numeric rewards; else empty ones.

    `value` is the SQL of a user's value, in a query whose users are `u`.
    """
    if spec.reward_type != "numeric":
        return dict.fromkeys(SLOTS, "")
    return SLOTS | {"amount_bucket": _build_bucket_sql(value)}


SLOTS = {
    "amount_bucket": "",
    "grouped_amount": ",\n         GROUPING(amount_bucket) = 0 AS is_amount, amount_bucket",
    "amount_group": ",\n    (regime, day, holdout, amount_bucket)",
    "amount_kind": " WHEN is_amount THEN 'amount'",
    "amount_context": " WHEN is_amount THEN amount_bucket",
    "amount_filter": " AND (NOT is_amount OR amount_bucket IS NOT NULL)",
}


def _build_bucket_sql(value: str) -> str:
    clauses = [
        f"WHEN ABS({value}) <= {edge!r} THEN {bucket}"
        for bucket, edge in enumerate(EDGES, start=1)
    ]
    lines = "\n           ".join(
        " ".join(clauses[start : start + EDGES_PER_LINE])
        for start in range(0, len(clauses), EDGES_PER_LINE)
    )
    return f""",
         CASE WHEN u.mature AND {value} <> 0 THEN CASE WHEN {value} < 0 THEN -1 ELSE 1 END
           * CASE {lines}
           ELSE {BUCKETS} END END AS amount_bucket"""
