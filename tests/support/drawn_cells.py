"""Strategy of hypothesis: the cells of some days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from warehouse.sql.cube.statement import Cell

FIRST_DAY = date(2026, 3, 1)
AMOUNTS = st.floats(0, 1e9, allow_subnormal=False)


@st.composite
def draw_cells(draw: st.DrawFn, outcomes: Sequence[str | None] = (None,)) -> list[Cell]:
    """Draw the cells of some days, in the order of the days."""
    cells = []
    for offset in sorted(draw(st.sets(st.integers(0, 20), max_size=4))):
        for _ in range(draw(st.integers(0, 8))):
            users = draw(st.integers(1, 400))
            converted = draw(st.integers(0, users))
            mature = draw(st.booleans())
            hour = datetime(2026, 3, 1, draw(st.integers(0, 23)), tzinfo=UTC)
            cells.append(
                Cell(
                    regime=draw(st.integers(1, 2)),
                    day=FIRST_DAY + timedelta(days=offset),
                    policy_version=draw(st.none() | st.integers(0, 3)),
                    holdout=draw(st.booleans()),
                    variant=draw(st.integers(0, 3)),
                    context=draw(st.integers(0, 4)),
                    outcome=draw(st.sampled_from(outcomes)),
                    mature=mature,
                    hour=None if mature else hour,
                    users=users,
                    exposures=users + draw(st.integers(0, 9)),
                    converted=converted,
                    value_sum=draw(AMOUNTS),
                    value_sum_squares=draw(AMOUNTS),
                    payers=draw(st.integers(0, converted)),
                    log_sum=0.0,
                    log_sum_squares=0.0,
                )
            )
    return cells
