"""Who gets what now: the served share of each variant in each combination of context levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizations.cube import aggregates
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results.model.served_model import ServedModel


@dataclass(frozen=True, slots=True)
class ContextAllocation:
    """One combination of levels: its users so far, and the share of each variant by number.

    Shares are of the traffic that the policy serves; the holdout is not among it.
    """

    levels: Mapping[str, str]
    users: int
    shares: Mapping[int, float]


def build_context_allocation(
    optimization: Optimization, served: ServedModel, cube: ObservationCube
) -> Sequence[ContextAllocation]:
    """Return the combinations that users had, those with the most users first.

    Without any users all combinations are returned; without a table none.
    """
    if served.table is None:
        return ()
    design = optimization.model.design
    counts = aggregates.count_by_key(cube.arrays, cube.arrays.context)
    names = [context.name for context in design.contexts]
    rows = [
        ContextAllocation(
            levels={
                name: design.level_name(place, int(level))
                for place, (name, level) in enumerate(zip(names, levels, strict=True))
            },
            users=counts.get((cell,), Counts()).users,
            shares={
                number: float(share)
                for number, share in enumerate(shares, start=1)
                if number in served.enabled
            },
        )
        for cell, (levels, shares) in enumerate(
            zip(design.context_levels, served.table, strict=True)
        )
    ]
    seen = [row for row in rows if row.users]
    return sorted(seen, key=lambda row: -row.users) if seen else rows
