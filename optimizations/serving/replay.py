"""Replay the draw of a receipt by the rule that was in force."""

from collections.abc import Sequence

from models_app.bandit.policy import allocation, rendezvous
from models_app.bandit.policy.rendezvous import Seed
from optimizations.models import Decision
from optimizations.serving.snapshot import Floats


def reproduce_draw(receipt: Decision, probabilities: Floats) -> bool | None:
    """Return whether the receipt's rule draws its variant again.

    `probabilities` [V] is the policy's row for the receipt. None where nothing was drawn
    from that row: in the holdout, and where the request narrowed the choice of variants,
    so that the propensity differs from the row's.
    """
    index = receipt.variant_number - 1
    if receipt.in_holdout or receipt.propensity != probabilities[index]:
        return None
    if receipt.draw_rule == Decision.DrawRule.CUMULATIVE:
        cumulative = allocation.accumulate_probabilities(probabilities)
        u = _compute_cumulative_uniform(receipt)
        return allocation.choose_variant(cumulative, u) == index
    return (
        rendezvous.draw_index(probabilities.tolist(), _compute_seed(receipt)) == index
    )


def compute_uniforms(receipt: Decision, count: int) -> list[float | None]:
    """Return the uniforms of `count` variants; nulls under the cumulative rule."""
    if receipt.draw_rule == Decision.DrawRule.CUMULATIVE:
        return [None] * count
    return [*rendezvous.compute_uniforms(_compute_seed(receipt), count)]


def pick_decisive_uniform(receipt: Decision, uniforms: Sequence[float | None]) -> float:
    """Return the uniform of the receipt's variant, or the one of the cumulative rule."""
    u = uniforms[receipt.variant_number - 1]
    return _compute_cumulative_uniform(receipt) if u is None else u


def _compute_seed(receipt: Decision) -> Seed:
    return rendezvous.compute_seed(
        str(receipt.optimization_id), receipt.anonymous_id, receipt.redraw
    )


def _compute_cumulative_uniform(receipt: Decision) -> float:
    return allocation.hash_to_uniform(
        str(receipt.optimization_id), receipt.anonymous_id, receipt.policy_version
    )
