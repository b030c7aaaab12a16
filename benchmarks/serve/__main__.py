"""Measure serving: `python -m benchmarks.serve --url … --optimization ID`.

The service must run without limits on serving (RATELIMIT_SERVE=0 and
NEW_USERS_PER_MINUTE=0), and its optimization must be live. The loads take turns round by
round, so their ratios hold on a busy machine; the rates are those of this machine.
"""

import argparse
import itertools
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from tqdm import tqdm

from benchmarks.serve import load
from benchmarks.serve.load import LoadResult

KNOWN_USERS = 500


def main() -> None:
    """Run the loads in turns and print the rate of each."""
    options = _parse_options()
    url = urlsplit(options.url)
    address = (url.hostname or "localhost", url.port or 80)
    loads = _build_loads(f"{address[0]}:{address[1]}", options.optimization)
    # Also serves the users of "repeats" for the first time.
    warm_up = load.run_load(address, loads["repeats"](), connections=8, seconds=2)
    if set(warm_up.statuses) != {200}:
        sys.exit(f"The service answered {warm_up.statuses}: is the optimization live?")
    results = {name: LoadResult() for name in loads}
    rounds = [name for _ in range(options.rounds) for name in loads]
    for name in tqdm(rounds, desc="rounds", disable=None):
        results[name].add(
            load.run_load(
                address,
                loads[name](),
                connections=options.connections,
                seconds=options.seconds,
            )
        )
    _print_loads(results, options.connections)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.serve", description=__doc__)
    parser.add_argument("--url", default="http://localhost:3100")
    parser.add_argument(
        "--optimization", required=True, help="id of a live optimization"
    )
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="length of each round"
    )
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


RequestStream = Callable[[], Iterator[bytes]]


def _build_loads(host: str, optimization: str) -> dict[str, RequestStream]:
    """Return the endless streams of requests by name."""
    run_id = uuid.uuid4().hex[:8]
    path = f"/api/v2/optimizations/{optimization}/serve"

    def build_serve(user: str) -> bytes:
        body = {"anonymous_id": user, "context": {"device": "mobile"}}
        return load.build_request("POST", host, path, json.dumps(body).encode())

    numbers = itertools.count()

    def stream_floor() -> Iterator[bytes]:
        return itertools.repeat(load.build_request("GET", host, "/healthz"))

    def stream_first_serves() -> Iterator[bytes]:
        return (build_serve(f"{run_id}-{number}") for number in numbers)

    def stream_repeats() -> Iterator[bytes]:
        users = [build_serve(f"known-{number}") for number in range(KNOWN_USERS)]
        return itertools.cycle(users)

    return {
        "floor": stream_floor,
        "first serves": stream_first_serves,
        "repeats": stream_repeats,
    }


def _print_loads(results: dict[str, LoadResult], connections: int) -> None:
    print(f"{connections} connections; responses with status 200")
    print(
        f"{'load':<14}{'per second':>12}{'of floor':>10}{'p50 ms':>9}{'p99 ms':>9}  other"
    )
    for name, result in results.items():
        share = result.rate / results["floor"].rate
        other = {code: n for code, n in result.statuses.items() if code != 200}
        print(
            f"{name:<14}{result.rate:>12,.0f}{share:>10.2f}"
            f"{result.quantile(0.5):>9.1f}{result.quantile(0.99):>9.1f}  {other or ''}"
        )


if __name__ == "__main__":
    main()
