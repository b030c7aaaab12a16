"""Measure serving: `python -m benchmarks.serve --url … --optimization ID`.

The service must run without limits on serving (RATELIMIT_SERVE=0, and
NEW_USERS_PER_MINUTE=0), its optimization be live. Rounds of each load take turns, so that the ratios
between them hold on a noisy machine; the rates themselves are this machine's.
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
    """Run every load in turns and print what came back."""
    options = _parse_options()
    url = urlsplit(options.url)
    address = (url.hostname or "localhost", url.port or 80)
    loads = _build_loads(f"{address[0]}:{address[1]}", options.optimization)
    known = load.run_load(
        address,
        itertools.chain.from_iterable(
            itertools.repeat(list(loads["repeats"](KNOWN_USERS)))
        ),
        connections=8,
        seconds=2,
    )
    if set(known.statuses) != {200}:
        sys.exit(f"The service answered {known.statuses}: is the optimization live?")
    found = {name: LoadResult() for name in loads}
    rounds = [name for _ in range(options.rounds) for name in loads]
    for name in tqdm(rounds, desc="rounds", disable=None):
        found[name].add(
            load.run_load(
                address,
                loads[name](None),
                connections=options.connections,
                seconds=options.seconds,
            )
        )
    _print_loads(found, options.connections)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.serve", description=__doc__)
    parser.add_argument("--url", default="http://localhost:3100")
    parser.add_argument("--optimization", required=True, help="a live one's id")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


Load = Callable[[int | None], Iterator[bytes]]


def _build_loads(host: str, optimization: str) -> dict[str, Load]:
    """Name the loads; each gives requests without end, or so many."""
    run = uuid.uuid4().hex[:8]
    path = f"/api/v2/optimizations/{optimization}/serve"

    def serve(user: str, **more: object) -> bytes:
        body = {"anonymous_id": user, "context": {"device": "mobile"}, **more}
        return load.build_request("POST", host, path, json.dumps(body).encode())

    numbers = itertools.count()

    def floor(_count: int | None) -> Iterator[bytes]:
        return itertools.repeat(load.build_request("GET", host, "/healthz"))

    def first(_count: int | None) -> Iterator[bytes]:
        return (serve(f"{run}-{number}") for number in numbers)

    def repeats(count: int | None) -> Iterator[bytes]:
        requests = [serve(f"known-{n}") for n in range(count or KNOWN_USERS)]
        return iter(requests) if count else itertools.cycle(requests)

    return {"floor": floor, "first serves": first, "repeats": repeats}


def _print_loads(found: dict[str, LoadResult], connections: int) -> None:
    print(f"{connections} connections; answers of status 200")
    print(
        f"{'load':<14}{'per second':>12}{'of floor':>10}{'p50 ms':>9}{'p99 ms':>9}  other"
    )
    for name, measured in found.items():
        share = measured.rate / found["floor"].rate
        other = {code: n for code, n in measured.statuses.items() if code != 200}
        print(
            f"{name:<14}{measured.rate:>12,.0f}{share:>10.2f}"
            f"{measured.quantile(0.5):>9.1f}{measured.quantile(0.99):>9.1f}  {other or ''}"
        )


if __name__ == "__main__":
    main()
