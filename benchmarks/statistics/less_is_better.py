"""T12 for amounts: what it costs to minimize them, beside maximizing as hard a world."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from benchmarks.statistics import report
from models_app.bandit.data import value_cells
from models_app.bandit.data.cells import TrainingRow
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards.fit import fit_reward

DESIGN = Design(
    (Factor("a", ("0", "1", "2", "3")), Factor("b", ("0", "1"))),
    (),
)
START, DAYS, DAILY = date(2026, 1, 1), 20, 2_000
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
PAY_RATE, EFFECT_SD, HOLDOUT, DRAWS = 0.2, 0.15, 0.1, 1_000
Draw = Callable[[np.random.Generator, int], Floats]

# Amounts of a variant without effects; an effect multiplies them.
PAYMENTS: dict[str, Draw] = {
    "lognormal 1": lambda rng, payers: rng.lognormal(0, 1, payers),
    "lognormal 2": lambda rng, payers: rng.lognormal(0, 2, payers),
    "Pareto 2.2": lambda rng, payers: 1 + rng.pareto(2.2, payers),
    "Pareto 1.5": lambda rng, payers: 1 + rng.pareto(1.5, payers),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """What is learned: amounts times `sign`, least or most of them, by logs or by sums.

    `effects` is 1 or -1 as the best variant has the largest or the smallest amounts.
    """

    name: str
    effects: float
    sign: float
    minimize: bool
    by_sums: bool = False


GOALS = (
    Goal("more", 1, 1, minimize=False),
    Goal("less", -1, 1, minimize=True),
    Goal("more of negatives", -1, -1, minimize=False),
    Goal("less of negatives", 1, -1, minimize=True),
    Goal("less, by sums", -1, 1, minimize=True, by_sums=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Regret of each goal, as a share of uniform's, and the largest gap of a mirror.

    `extra` are the goal's regret minus that of "more" in the same worlds.
    """

    payments: str
    regret: dict[str, report.Average]
    extra: dict[str, report.Average]
    gap: float


def run_study(
    runs: int, seed: int, names: tuple[str, ...] = tuple(PAYMENTS)
) -> list[Row]:
    """Learn every goal in `runs` worlds of each kind of payments."""
    return [_run_payments(runs, seed, name) for name in names]


def _run_payments(runs: int, seed: int, name: str) -> Row:
    regrets: dict[str, list[float]] = {goal.name: [] for goal in GOALS}
    gap = 0.0
    for run in range(runs):
        tables = {}
        for goal in GOALS:
            regret, tables[goal.name] = learn(goal, PAYMENTS[name], [seed, run])
            regrets[goal.name].append(regret)
        mirrors = ("less", "more of negatives"), ("more", "less of negatives")
        gaps = [np.abs(tables[one] - tables[other]).max() for one, other in mirrors]
        gap = max(gap, float(max(gaps)))
    return Row(
        name,
        {key: report.compute_average([[r] for r in rs]) for key, rs in regrets.items()},
        {
            key: report.compute_average(
                [[r - more] for r, more in zip(rs, regrets["more"], strict=True)]
            )
            for key, rs in regrets.items()
        },
        gap,
    )


def learn(goal: Goal, draw: Draw, seed: list[int]) -> tuple[float, Floats]:
    """Learn daily; return the regret as a share of uniform's, and the last table [V]."""
    truth, rng = np.random.default_rng([*seed, 1]), np.random.default_rng([*seed, 2])
    effects = _draw_effects(truth)
    means = np.exp(goal.effects * effects)
    losses = goal.effects * (means[(goal.effects * means).argmax()] - means)
    enabled = np.ones(DESIGN.variants, bool)
    table = enabled / enabled.sum()
    rows: list[TrainingRow] = []
    lost = 0.0
    for day in range(DAYS):
        shares = (1 - HOLDOUT) * table + HOLDOUT * np.eye(DESIGN.variants)[0]
        lost += float(table @ losses)
        for variant, users in enumerate(rng.multinomial(DAILY, shares)):
            amounts = draw(rng, rng.binomial(users, PAY_RATE)) * means[variant]
            rows.append(build_row(day, variant, int(users), goal.sign * amounts))
        table = _compile(goal, rows, day)
    return lost / (DAYS * float(losses.mean())), table


def _draw_effects(rng: np.random.Generator) -> Floats:
    levels = DESIGN.variant_levels
    drawn = [rng.normal(0, EFFECT_SD, size) for size in DESIGN.sizes]
    return np.asarray(sum(d[levels[:, place]] for place, d in enumerate(drawn)))


def _compile(goal: Goal, rows: list[TrainingRow], day: int) -> Floats:
    if goal.by_sums:
        rows = [
            replace(row, payers=0, log_sum=0.0, log_sum_squares=0.0) for row in rows
        ]
    cells = value_cells.tabulate_amounts(rows, [0] * 32, 24, AS_OF)
    policy = allocation.compile_policy(
        fit_reward(DESIGN, cells).reward,
        np.ones(DESIGN.variants, bool),
        draws=DRAWS,
        seed=day,
        minimize=goal.minimize,
    )
    return np.asarray(policy.probabilities[0])


def build_row(day: int, variant: int, users: int, values: Floats) -> TrainingRow:
    """Return the row of a day's users of a variant, of whom some have these values."""
    paid, lost = np.log(values[values > 0]), np.log(-values[values < 0])
    return TrainingRow(
        day=START + timedelta(days=day),
        policy_version=day,
        variant=variant,
        context=0,
        mature=True,
        hour=None,
        users=users,
        converted=len(values),
        value_sum=float(values.sum()),
        value_sum_squares=float(values @ values),
        payers=len(paid),
        log_sum=float(paid.sum()),
        log_sum_squares=float(paid @ paid),
        negatives=len(lost),
        negative_log_sum=float(lost.sum()),
        negative_log_sum_squares=float(lost @ lost),
    )


def main() -> None:
    """Print the table."""
    options = report.parse_arguments(runs=60)
    report.print_table(
        f"T12  amounts, {DAYS} days of {DAILY} users: regret in percent of uniform's, "
        "and what it is above that of more; largest difference of a mirror's table",
        (
            "payments",
            *(goal.name for goal in GOALS),
            "less - more",
            "by sums - more",
            "gap",
        ),
        [
            (
                row.payments,
                *row.regret.values(),
                row.extra["less"],
                row.extra["less, by sums"],
                f"{row.gap:.1g}",
            )
            for row in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()
