"""T5: measured lift with a drifting base rate, a changed holdout and a late winner."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import arrays, report, worlds
from metrics.stats.normal import CRITICAL

DAYS = 60
DAILY = 3_000
BEFORE, AFTER = 0.5, 0.1
LATE_RATIO = 1.2
DRIFTS = ("none", "ramp", "weekly", "step")


@dataclass(frozen=True, slots=True)
class World:
    """How the base rate of about 5% drifts; what changes half-way."""

    drift: str
    holdout_changes: bool
    late_winner: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Share of intervals that miss the truth, and bias of the ratio in percent of it.

    ``naive_*``: the same with all regimes pooled.
    """

    world: World
    wrong: report.Share
    bias: float
    bias_error: float
    naive_wrong: report.Share
    naive_bias: float


def build_grid() -> tuple[World, ...]:
    """Return the combinations of drift, holdout change and late winner."""
    return tuple(
        World(drift, changes, late)
        for drift in DRIFTS
        for changes in (False, True)
        for late in (False, True)
    )


def run_study(runs: int, seed: int, grid: tuple[World, ...]) -> list[Row]:
    """Return how often the interval of one look misses the true lift, and the bias."""
    rng = np.random.default_rng(seed)
    return [_run_world(rng, runs, world) for world in grid]


def compute_base_rate(drift: str) -> arrays.Array:
    """Return the conversion rate of the baseline on each day."""
    day = np.arange(DAYS) / (DAYS - 1)
    if drift == "ramp":
        return 0.05 + 0.01 * day
    if drift == "weekly":
        return 0.05 * (1 + 0.3 * np.sin(2 * np.pi * np.arange(DAYS) / 7))
    if drift == "step":
        return 0.05 + 0.01 * (day > 0.5).astype(float)
    return np.full(DAYS, 0.05)


def _run_world(rng: np.random.Generator, runs: int, world: World) -> Row:
    is_second_half = np.arange(DAYS) >= DAYS // 2
    regime = is_second_half[:, None] == np.array([False, True])
    share = np.array([BEFORE, AFTER if world.holdout_changes else BEFORE])
    rate = compute_base_rate(world.drift)
    lifted = rate * np.where(is_second_half & world.late_winner, LATE_RATIO, 1.0)
    users = np.full((runs, DAYS, 1), DAILY) * regime
    in_holdout = rng.binomial(users, share)
    shape = users.shape
    optimized = _sum_days(
        worlds.draw_arm(
            rng,
            (users - in_holdout).astype(float),
            np.broadcast_to(lifted[:, None], shape),
            "bool",
        )
    )
    holdout = _sum_days(
        worlds.draw_arm(
            rng,
            in_holdout.astype(float),
            np.broadcast_to(rate[:, None], shape),
            "bool",
        )
    )
    half_means = [rate[~is_second_half].mean(), rate[is_second_half].mean()]
    truth = _compute_true_ratio(share, half_means, world)
    z = arrays.compute_rates_z(optimized, holdout, truth)
    ratio = np.divide(*arrays.compute_means(optimized, holdout)) / truth - 1
    pooled = _pool_regimes(optimized), _pool_regimes(holdout)
    naive_ratio = np.divide(*arrays.compute_means(*pooled)) / truth - 1
    return Row(
        world,
        report.compute_share(np.abs(z) > CRITICAL),
        float(100 * ratio.mean()),
        float(100 * ratio.std() / np.sqrt(runs)),
        report.compute_share(np.abs(arrays.compute_rates_z(*pooled, truth)) > CRITICAL),
        float(100 * naive_ratio.mean()),
    )


def _compute_true_ratio(share: arrays.Array, base: list[float], world: World) -> float:
    """Return the ratio of the weighted true means, which the measured lift estimates."""
    weights = share * (1 - share)
    lifted = np.array(base) * [1.0, LATE_RATIO if world.late_winner else 1.0]
    return float((weights * lifted).sum() / (weights * np.array(base)).sum())


def _sum_days(arm: arrays.Arm) -> arrays.Arm:
    """Return totals over the days of each regime; axes (runs, regimes)."""
    return arrays.Arm(arm.users.sum(1), arm.value_sum.sum(1), arm.squares.sum(1))


def _pool_regimes(arm: arrays.Arm) -> arrays.Arm:
    """Return totals over both regimes: wrong, and the naive estimate of this study."""
    totals = (arm.users, arm.value_sum, arm.squares)
    return arrays.Arm(*(array.sum(1, keepdims=True) for array in totals))


def main() -> None:
    options = report.parse_arguments(runs=5_000)
    report.print_table(
        f"T5  {DAYS} days of {DAILY} users, holdout {BEFORE:.0%} or changed to "
        f"{AFTER:.0%} half-way; wrong: interval misses the true lift (percent)",
        (
            "drift",
            "holdout changes",
            "late winner",
            "wrong",
            "bias %",
            "wrong, unstratified",
            "bias %",
        ),
        [
            (
                w.drift,
                w.holdout_changes,
                w.late_winner,
                r.wrong,
                f"{r.bias:+.3f} ±{r.bias_error:.3f}",
                r.naive_wrong,
                f"{r.naive_bias:+.2f}",
            )
            for r in run_study(options.runs, options.seed, build_grid())
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()
