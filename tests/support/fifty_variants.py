"""An optimization with 50 variants, one of which is much better than all others."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from optimizations.models import Optimization
from tests.support import staff_world, traffic
from tests.support.staff_world import World, make_factor

HEADLINES = ("Plain", "Bold", "Calm", "Short", "Long")
LAYOUTS = ("list", "cards", "grid", "table", "video")
BUTTONS = ("Gray", "Green")
WINNER = ("Green", "cards", "Bold")
USERS = 3000


def make_fifty_variants(world: World) -> Optimization:
    """Make and train it; a quarter of its visitors are held out, and all are mature."""
    config: dict[str, Any] = {
        "reward": {"name": "purchase", "type": "bool"},
        "design_factors": [
            make_factor("button", *BUTTONS),
            make_factor("layout", *LAYOUTS),
            make_factor("headline", *HEADLINES),
        ],
        "context_factors": [make_factor("device", "mobile", "desktop")],
        "attribution": {
            "type": "last_touch",
            "conversion_window_hours": 24,
            "horizon_hours": 24,
        },
    }
    optimization = staff_world.make_optimization(
        world.organization,
        world.metric,
        "Landing page",
        training_data_config=config,
        holdout_percentage=25,
    )
    start = (timezone.now() - timedelta(days=4)).replace(hour=1, minute=0)
    traffic.simulate_visitors(optimization, start, USERS, _compute_rate)
    assert staff_world.train_model(optimization).status == "succeeded"
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()
    return optimization


def _compute_rate(variant: traffic.Json, _context: traffic.Json) -> float:
    """Return a rate that is higher by each level that the winner has."""
    has = sum(level in WINNER for level in variant.values())
    return (0.1, 0.2, 0.35, 0.55)[has]
