"""Simulated worlds with a known truth, and training cells of their counts."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.regression import prior_scales


def make_design(sizes: tuple[int, ...], contexts: tuple[int, ...] = ()) -> Design:
    """Return a design with these numbers of levels, without contexts' extra levels."""

    def make_factors(kind: str, counts: tuple[int, ...]) -> tuple[Factor, ...]:
        return tuple(
            Factor(f"{kind}{index}", tuple(f"{kind}{index}.{i}" for i in range(count)))
            for index, count in enumerate(counts)
        )

    return Design(make_factors("f", sizes), make_factors("c", contexts))


@dataclass(frozen=True, slots=True)
class World:
    """A truth: linear predictor `eta` [S, V] at level 0, and context shares [S]."""

    design: Design
    eta: Floats
    shares: Floats

    def rate(self, level: float) -> Floats:
        """Return the true rates [S, V] at a time level in log odds."""
        return np.asarray(1 / (1 + np.exp(-(self.eta + level))))


def draw_from_prior(design: Design, rng: np.random.Generator) -> World:
    """Draw a world's scales and coefficients from the prior."""
    theta = np.zeros(design.columns)
    shared = {
        kind: rng.normal(0, prior_scales.KIND_LOG_SD)
        for kind in prior_scales.PRIOR_MEDIANS
    }
    for term in design.terms:
        log = shared[term.kind] + rng.normal(0, prior_scales.OWN_LOG_SD)
        scale = prior_scales.PRIOR_MEDIANS[term.kind] * np.exp(log)
        theta[term.columns] = rng.normal(0, scale, term.size)
    cells = design.context_cells * design.variants
    cell_index, variant = np.divmod(np.arange(cells), design.variants)
    eta = (design.rows(variant, cell_index) @ theta).reshape(design.context_cells, -1)
    level_counts = [len(context.levels) for context in design.contexts]
    has_traffic = np.all(design.context_levels < np.array(level_counts), axis=1)
    return World(design, eta, has_traffic / has_traffic.sum())


def simulate_day(
    world: World,
    level: float,
    allocation: Floats,
    users: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return users and conversions [S, V] of one day under an allocation [S, V]."""
    share = (world.shares[:, None] * allocation).ravel()
    exposed = rng.multinomial(users, share / share.sum()).reshape(world.eta.shape)
    converted = rng.binomial(exposed, world.rate(level))
    return exposed.astype(float), converted.astype(float)


def build_cells(days: list[tuple[Floats, Floats]]) -> TrainingCells:
    """Return cells of days of (users, conversions) [S, V]; each day is a stratum."""
    users, successes = (np.array(table) for table in zip(*days, strict=True))
    stratum, context, variant = np.nonzero(users)
    return TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(len(days), dtype=float),
        variant=variant,
        context=context,
        users=users[stratum, context, variant],
        successes=successes[stratum, context, variant],
    )


def build_one_day_cells(table: list[tuple[int, float, float]]) -> TrainingCells:
    """Return cells of one day without contexts from (variant, users, successes)."""
    variant, users, successes = (
        np.array(column) for column in zip(*table, strict=True)
    )
    zeros = np.zeros(len(table), dtype=np.int64)
    return TrainingCells(
        stratum=zeros,
        stratum_time=np.zeros(1),
        variant=variant.astype(np.int64),
        context=zeros,
        users=users.astype(float),
        successes=successes.astype(float),
    )
