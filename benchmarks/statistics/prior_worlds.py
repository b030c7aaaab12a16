"""Worlds drawn from the model's prior, and the product learning and allocating in them."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.regression import fit, prior_scales
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import report
from models_app.bandit.report.even_split import ServedUsers
from models_app.bandit.report.report import Report

HOLDOUT = 0.1
DAILY_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """Sizes of a design, first mean conversion rate, users a day, rule and days."""

    factors: tuple[int, ...]
    contexts: tuple[int, ...]
    rate: float
    users: int
    rule: allocation.AllocationRule = "default"
    days: int = 14

    def __str__(self) -> str:
        """Return the sizes as 3x2 | 3, contexts after the bar."""
        groups = [self.factors, self.contexts] if self.contexts else [self.factors]
        return " | ".join("x".join(map(str, sizes)) for sizes in groups)


SETTINGS = (
    Setting((3, 3, 2), (), 0.05, 2_000),
    Setting((6,), (), 0.05, 1_000),
    Setting((3, 2), (3,), 0.05, 2_000),
    Setting((3, 2), (3,), 0.05, 2_000, rule="thompson"),
    Setting((3, 2), (3,), 0.01, 4_000),
    Setting((3, 2), (3,), 0.3, 400),
    Setting((4, 3, 2), (2, 2), 0.05, 5_000),
)


@dataclass(frozen=True, slots=True)
class World:
    """Coefficients [q], level of each day in log odds, mix [S] of contexts."""

    design: Design
    theta: Floats
    levels: Floats
    mix: Floats

    def rates(self, day: int) -> Floats:
        """Return the true conversion rates [S, V] of a day."""
        cells = np.arange(self.design.context_cells * self.design.variants)
        segment, variant = np.divmod(cells, self.design.variants)
        log_odds = self.design.rows(variant, segment) @ self.theta + self.levels[day]
        return np.asarray(1 / (1 + np.exp(-log_odds))).reshape(
            self.design.context_cells, -1
        )


@dataclass(frozen=True, slots=True)
class FittedWorld:
    """Posterior, report and policy after the last day, and the counts behind them.

    `served` has for each day the users whom the policy served.
    """

    world: World
    cells: TrainingCells
    posterior: Posterior
    report: Report
    policy: CompiledPolicy
    served: list[ServedUsers]


def build_design(setting: Setting) -> Design:
    """Return the design of a setting."""

    def build_factors(kind: str, sizes: tuple[int, ...]) -> tuple[Factor, ...]:
        return tuple(
            Factor(f"{kind} {index}", tuple(str(level) for level in range(size)))
            for index, size in enumerate(sizes)
        )

    return Design(
        build_factors("factor", setting.factors),
        build_factors("context", setting.contexts),
    )


def draw_world(setting: Setting, rng: np.random.Generator) -> World:
    """Draw scales, coefficients and the drift of the base rate from the prior."""
    design = build_design(setting)
    kind_log_scales = {
        kind: rng.normal(0, prior_scales.KIND_LOG_SD)
        for kind in prior_scales.PRIOR_MEDIANS
    }

    def draw_scale(kind: str) -> float:
        log_scale = kind_log_scales[kind] + rng.normal(0, prior_scales.OWN_LOG_SD)
        return float(prior_scales.PRIOR_MEDIANS[kind] * np.exp(log_scale))

    theta = np.zeros(design.columns)
    for term in design.terms:
        theta[term.columns] = rng.normal(0, draw_scale(term.kind), term.size)
    walk = rng.normal(0, draw_scale("walk"), setting.days - 1).cumsum()
    days = rng.normal(0, draw_scale("day"), setting.days)
    start = np.log(setting.rate / (1 - setting.rate))
    levels = start + np.concatenate([[0.0], walk]) + days
    # Only contexts of named levels occur: neither 'other' nor 'missing'.
    named = np.array(setting.contexts, dtype=np.int64)
    occurs = np.all(design.context_levels < named, axis=1)
    mix = np.zeros(design.context_cells)
    mix[occurs] = rng.dirichlet(np.full(occurs.sum(), 8.0))
    return World(design, theta, levels, mix)


def run_learner(setting: Setting, rng: np.random.Generator) -> FittedWorld:
    """Let the product learn and allocate daily in a world of the prior."""
    return learn_world(setting, draw_world(setting, rng), rng)


def learn_world(
    setting: Setting, world: World, rng: np.random.Generator
) -> FittedWorld:
    """Let the product learn and allocate daily, with a holdout of a tenth."""
    enabled = np.ones(world.design.variants, dtype=bool)
    table = allocation.build_uniform_table(world.design.context_cells, enabled)
    days = [_simulate_day(rng, setting, world, table, 0)]
    served = [_select_served(0, days[0][0], table)]
    for day in range(1, setting.days):
        posterior = fit.fit_posterior(world.design, build_cells(days)).posterior
        table = allocation.compile_policy(
            posterior, enabled, rule=setting.rule, draws=DAILY_DRAWS, seed=day
        ).probabilities
        days.append(_simulate_day(rng, setting, world, table, day))
        served.append(_select_served(day, days[-1][0], table))
    cells = build_cells(days)
    posterior = fit.fit_posterior(world.design, cells).posterior
    compiled = allocation.compile_policy(posterior, enabled, rule=setting.rule)
    final_report = report.build_report(
        posterior,
        compiled,
        cells,
        enabled=enabled,
        holdout_share=HOLDOUT,
        seed=0,
        served=served,
    )
    return FittedWorld(world, cells, posterior, final_report, compiled, served)


def _select_served(day: int, shown: Floats, table: Floats) -> ServedUsers:
    """Return whom the policy served; `shown` [S, V] are the users of both arms.

    Counts do not tell the baseline's users apart: as many as are expected are served.
    """
    by_policy = (1 - HOLDOUT) * table
    all_shown = by_policy + HOLDOUT * np.eye(table.shape[1])[0]
    everyone = np.ones(table.shape[1], dtype=bool)
    return ServedUsers(day, shown * by_policy / all_shown, everyone)


def _simulate_day(
    rng: np.random.Generator, setting: Setting, world: World, table: Floats, day: int
) -> tuple[Floats, Floats]:
    """Draw the users and conversions [S, V] of a day under a policy table."""
    baseline = np.eye(world.design.variants)[0]
    share = HOLDOUT * baseline + (1 - HOLDOUT) * table
    chances = (world.mix[:, None] * share).ravel()
    users = rng.multinomial(setting.users, chances / chances.sum())
    shown = users.reshape(share.shape)
    converted = rng.binomial(shown, world.rates(day))
    return shown.astype(np.float64), converted.astype(np.float64)


def build_cells(days: list[tuple[Floats, Floats]]) -> TrainingCells:
    """Return the cells of days of (users, conversions) [S, V], one stratum a day."""
    users, successes = (
        np.array(table, np.float64) for table in zip(*days, strict=True)
    )
    stratum, context, variant = np.nonzero(users)
    return TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(len(days), dtype=np.float64),
        variant=variant,
        context=context,
        users=users[stratum, context, variant],
        successes=successes[stratum, context, variant],
    )
