"""The Python client, beside what the service would decide."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Unpack

import orjson
from django.utils import timezone

from levered import Decision, Levered
from levered.core import Options
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot_loader
from tests.support import optimization_factories
from tests.support.optimization_factories import make_factor

PACKAGE = Path(__file__).parents[2] / "clients" / "python"
FALLBACK = {"headline": "fallback"}
# Longer than the client's own default: the machine may be busy with other tests.
PATIENT = 15.0
DESIGNS = {20: (4, 5), 100: (10, 10)}
LONG = "😀" * 256
LEVELS = {
    "device": ("mobile", "desktop", "é", "", LONG, "a\ufffdb", "true"),
    "visits": ("1", "2.5", f"{10**21}", "0.0000001", "-3", "0", f"{2**53}"),
}
# Of every type that JSON has for a context, and what is missing.
VALUES: dict[str, tuple[object, ...]] = {
    "device": (
        *("mobile", "desktop", "é", "e\u0301", "", LONG, f"{LONG}more", "a\0b"),
        *("a\ufffdb", "tv", "true", True, False, None, " mobile", "Mobile", 0, "null"),
    ),
    "visits": (
        *(1, 1.0, "1", 2.5, "2.50", 1e21, 10**21, 1e-7, -3, -0.0, 0, 2**53, None, True),
        *(1e300, 5e-324, 1.7976931348623157e308, 123456789012345680000, -1e-7, ""),
        *(2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 2**53 + 1),
    ),
}
NAMES = ("user-{}", "Zoë {}", "😀{}", "ユーザー:{}", "{}", " {} ", "e\u0301{}")
User = tuple[str, dict[str, object]]


class Opener(Protocol):
    """Makes a client that is closed at the end of the test."""

    def __call__(
        self, url: str, api_key: str = "", **options: Unpack[Options]
    ) -> Levered: ...


def make_public_optimization(**fields: Any) -> Optimization:
    """Make a live optimization whose policy anybody may read."""
    return optimization_factories.make_live_optimization(public_policy=True, **fields)


def make_large_optimization(variants: int) -> Optimization:
    """Make an optimization of a design with levels of all types."""
    first, second = DESIGNS[variants]
    return make_public_optimization(
        holdout_percentage=12.5,
        training_data_config=optimization_factories.make_config(
            design_factors=[
                make_factor("headline", *(f"h{n}" for n in range(first))),
                make_factor("price", *(f"p{n}" for n in range(second))),
            ],
            context_factors=[make_factor(name, *each) for name, each in LEVELS.items()],
        ),
    )


def make_users(seed: int, count: int) -> list[User]:
    """Make users with contexts of all types, numbers of all sizes among them."""
    rng = random.Random(seed)  # noqa: S311  # repeatable, not secret
    users: list[User] = []
    for n in range(count):
        context = {
            name: rng.choice(values)
            for name, values in VALUES.items()
            if rng.random() < 0.9
        }
        if n % 5 == 0:
            context["visits"] = rng.choice((1, -1)) * 10 ** rng.uniform(-320, 308)
        context["other"] = n
        users.append((NAMES[n % len(NAMES)].format(n), context))
    return users


def decide_as_the_service(
    optimization: Optimization, users: list[User]
) -> list[tuple[object, ...]]:
    """Return number, levels, arm and propensity of each user, as served.

    Contexts are read from JSON, as they arrive.
    """
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    now = timezone.now()
    expected: list[tuple[object, ...]] = []
    for user, context in users:
        resolved = decision.resolve_context(snapshot, _pass_through_json(context))
        proposal = decision.decide_variant(snapshot, user, resolved, now)
        number, levels = proposal.card.number, dict(proposal.card.levels)
        expected.append((number, levels, proposal.in_holdout, proposal.propensity))
    return expected


def describe(made: Decision) -> tuple[object, ...]:
    """Return number, levels, arm and propensity of a decision."""
    return made.variant_number, made.variant, made.in_holdout, made.propensity


def _pass_through_json(context: Mapping[str, object]) -> dict[str, Any]:
    text = "{" + ", ".join(
        f"{orjson.dumps(name).decode()}: {_dump(value)}"
        for name, value in context.items()
    )
    loaded: dict[str, Any] = orjson.loads(text + "}")
    return loaded


def _dump(value: object) -> str:
    # orjson writes no integers of more than 64 bits, and reads them.
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_integer else orjson.dumps(value).decode()
