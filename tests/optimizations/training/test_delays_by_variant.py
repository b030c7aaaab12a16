"""Where one variant's rewards come much later, no modeled figure is shown as known."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import traffic
from tests.support.factories import make_member_api, read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_config,
    make_factor,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)
RATE, USERS_PER_DAY = 0.2, 300


def make_visited(days: int, late: str) -> Optimization:
    """Make an optimization of which headline `late` converts after 48 to 71 hours.

    The other one converts within 12 hours; a fifth of the users of each does.
    """
    config = make_config(
        design_factors=[make_factor("headline", "A", "B")],
        context_factors=[],
        attribution={"conversion_window_hours": 72},
    )
    optimization = make_optimization(
        make_organization(), training_data_config=config, holdout_percentage=30
    )
    rng, now = random.Random(0), timezone.now()  # noqa: S311 - traffic
    exposures, rewards = [], []
    for number in range(days * USERS_PER_DAY):
        user = f"user {number}"
        seen_at = now - timedelta(days=days * rng.random())
        headline = "B" if rng.random() < 0.35 else "A"
        exposures.append(
            traffic.build_exposure(
                optimization,
                user,
                variant={"headline": headline},
                context={},
                timestamp=seen_at.isoformat(),
            )
        )
        hours = rng.uniform(48, 71) if headline == late else rng.uniform(0, 12)
        bought_at = seen_at + timedelta(hours=hours)
        if rng.random() < RATE and bought_at < now:
            reward = traffic.build_reward(user, timestamp=bought_at.isoformat())
            rewards.append(reward)
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(optimization, rewards)
    return optimization


def read(optimization: Optimization) -> Any:
    """Return the results as a member reads them."""
    api = make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/results"))


@pytest.mark.parametrize("late", ["A", "B"])
@pytest.mark.parametrize("days", [5, 14])
def test_rewards_shown_of_a_late_variant_are_right_or_withheld(
    days: int, late: str
) -> None:
    optimization = make_visited(days, late)
    train_model(optimization)

    body = read(optimization)
    for row in body["variants"]:
        assert row["mean_reward"] == pytest.approx(RATE, abs=0.05)
        if row["expected_reward_mean"] is None:
            assert "variants.expected_reward_mean" in body["unavailable"]
        else:
            assert row["expected_reward_lo"] < RATE < row["expected_reward_hi"]
