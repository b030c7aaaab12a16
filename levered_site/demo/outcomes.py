"""Print of each simulated world what its page says, beside the truth."""

import json

from tqdm import tqdm

from levered_site.demo.stories import Story
from levered_site.demo.visits import Score
from levered_site.demo.world import World
from optimizations.admin.result_page import evidence, verdict
from optimizations.admin.result_page.verdict import Verdict
from optimizations.models import Optimization
from optimizations.results.readings import full_results
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import VariantResult


def print_outcome(story: Story) -> bool:
    """Print verdict, lift, winner and regret; return whether the verdict is as intended."""
    optimization = Optimization.objects.select_related("model", "reward_metric").get(
        pk=story.optimization_id
    )
    full = full_results.load_full_results(optimization)
    judged = verdict.judge(evidence.build_evidence(optimization, full.results, full))
    is_intended = judged.kind == story.world.intended
    tqdm.write(f"\n   {optimization.name}: {_describe_verdict(judged, story.world)}")
    tqdm.write(f"   {_describe_lift(full.results, story.crowd.score)}")
    tqdm.write(f"   {_describe_winner(full.results, story.world)}")
    tqdm.write(f"   {_describe_regret(story.crowd.score)}")
    return is_intended


def _describe_verdict(judged: Verdict, world: World) -> str:
    title = f"“{judged.title}”"
    if judged.kind == world.intended:
        return f"{title}, as intended"
    return f"{title}, NOT as intended ({world.intended}, the page says {judged.kind})"


def _describe_lift(results: Results, score: Score) -> str:
    measured = results.primary_metric_vs_holdout
    truth = f"truth {_compute_true_lift(score):+.1%}"
    if measured.lift_percent is None or measured.lift_ci_anytime is None:
        return f"measured lift withheld ({json.dumps(results.unavailable)}), {truth}"
    low, high = measured.lift_ci_anytime
    distrust = ", not to be read" if results.health.status == "broken" else ""
    return (
        f"measured lift {measured.lift_percent:+.1f}% [{low:+.1f}%, {high:+.1f}%]"
        f"{distrust}, {truth}, over {measured.optimization_exposures:,} optimized and "
        f"{measured.holdout_exposures:,} holdout users"
    )


def _compute_true_lift(score: Score) -> float:
    optimized, holdout = score.optimized, score.holdout
    if not (optimized.visitors and holdout.earned):
        return 0.0
    holdout_mean = holdout.earned / holdout.visitors
    return optimized.earned / optimized.visitors / holdout_mean - 1


def _describe_winner(results: Results, world: World) -> str:
    best = max(world.variants, key=world.compute_average_value)
    winner = max(results.variants, key=lambda row: row.weight or 0.0)
    return (
        f"most traffic: {json.dumps(winner.variant)}, expected "
        f"{_format_expected(winner)}, truth "
        f"{world.compute_average_value(winner.variant):.4g}; the true best variant has "
        f"{world.compute_average_value(best):.4g}"
    )


def _format_expected(row: VariantResult) -> str:
    mean, low, high = (
        *(row.expected_reward_mean, row.expected_reward_lo),
        row.expected_reward_hi,
    )
    if mean is None or low is None or high is None:
        return "withheld"
    return f"{mean:.4g} [{low:.4g}, {high:.4g}]"


def _describe_regret(score: Score) -> str:
    optimized = score.optimized
    if not optimized.lost_uniform:
        return "no regret was counted"
    share = optimized.lost / optimized.lost_uniform
    by_day = " ".join(f"{regret:.0%}" for regret in score.daily_regret)
    return (
        f"regret of the optimized arm: {share:.0%} of what uniform allocation would lose; "
        f"by day: {by_day}"
    )
