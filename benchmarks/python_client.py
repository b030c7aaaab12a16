"""Measure local decisions in Python: `python -m benchmarks.python_client`.

Prints the CPU time of one `get_decision` of clients/python in local mode, the best of
nine rounds: checking the call, hashing for holdout and draw, the context's row, the race
of all variants, and for new users remembering and queueing what was decided.
"""

import argparse
import sys
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "clients" / "python" / "src"))

try:
    from levered import Levered  # the path comes first
    from levered.local.policy import parse_policy
except ModuleNotFoundError as error:
    raise SystemExit(
        f"benchmarks.python_client needs the module {error.name}, which {sys.executable} "
        "does not have: run `make bench BENCH=python_client`, which makes the environment "
        "first."
    ) from error

DECISIONS = 10_000
ROUNDS = 9
LEVELS = ["mobile", "desktop", "tablet"]
OPTIMIZATION = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"
NOWHERE = "http://127.0.0.1:9"


def open_client(variants: int) -> Levered:
    """Make a client that holds a policy whose probabilities all differ."""
    total = variants * (variants + 1) / 2
    row = [number / total for number in range(1, variants + 1)]
    policy = parse_policy(
        {
            "optimization_id": OPTIMIZATION,
            "status": "live",
            "version": 1,
            "revision": 1,
            "draw_rule": "rendezvous",
            "variants": [{"variant": {"headline": n}, "enabled": True} for n in row],
            "context_factors": [{"name": "device", "levels": LEVELS}],
            "contexts": [{"probabilities": row}] * (len(LEVELS) + 2),
            "holdout": {"threshold": "1999999a", "variant_number": 1},
        }
    )
    client = Levered(
        NOWHERE, "lev_none", mode="local", flush_seconds=3600, queue_size=10**6
    )
    cached = client._core.policies.get(OPTIMIZATION)  # noqa: SLF001  # without a service
    cached.policy, cached.ask_at = policy, float("inf")
    return client


def measure(variants: int, *, record: bool) -> float:
    """Return the microseconds of a decision."""
    best = float("inf")
    for _ in range(ROUNDS):
        client = open_client(variants)
        users = [str(uuid.uuid4()) for _ in range(DECISIONS)]
        context = {"device": "mobile"}
        began = time.process_time()
        for user in users:
            client.get_decision(OPTIMIZATION, user, context, record=record)
        best = min(best, time.process_time() - began)
        client._core.queue.clear()  # noqa: SLF001  # nobody is there to take it
        client.close()
    return best / DECISIONS * 1e6


def main() -> None:
    """Print the measurements."""
    argparse.ArgumentParser(
        prog="benchmarks.python_client", description=__doc__
    ).parse_args()
    for variants in (2, 20, 100):
        plain = measure(variants, record=False)
        recorded = measure(variants, record=True)
        print(f"{variants} variants: {plain:.1f} µs, recorded {recorded:.1f} µs")


if __name__ == "__main__":
    main()
