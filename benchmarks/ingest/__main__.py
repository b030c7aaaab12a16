"""Measure ingestion in batches of 500: `make bench BENCH=ingest`.

Starts the service of this checkout, and with `--against` that of another one, each with
stores of its own and without limits on requests. The loads take turns, service by service
and round by round, so the ratios hold on a busy machine. With `--url` and LEVERED_TOKEN
it measures a running service instead, which must run with RATELIMIT_INGEST=0; events
then stay there.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks.ingest.batches import BATCH_SIZE, stream_requests
from benchmarks.ingest.service import NO_LIMITS, Target, create_target
from benchmarks.local_service import ROOT, run_service
from benchmarks.serve.load import LoadResult, run_closed_loop


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, over how many connections."""

    kind: str
    has_keys: bool
    connections: int
    is_gzipped: bool

    def __str__(self) -> str:
        keys = "keys" if self.has_keys else "no keys"
        gzipped = ", gzip" if self.is_gzipped else ""
        return f"{self.kind}, {keys}{gzipped}, {self.connections} conn."


def main() -> None:
    """Start the services, run the loads in turns and print the rates."""
    options = _parse_options()
    loads = [
        Load(kind, has_keys, connections, options.gzip)
        for kind in ("exposures", "rewards")
        for has_keys in (True, False)
        for connections in (1, 4)
    ]
    with ExitStack() as stack:
        targets = dict(_start_services(options, stack))
        results = {(name, item): LoadResult() for item in loads for name in targets}
        rounds = [pair for _ in range(options.rounds) for pair in results]
        for target in targets.values():
            for item in loads:
                _run_round(target, item, seconds=1.0)
        for name, item in tqdm(rounds, desc="rounds", disable=None):
            result = _run_round(targets[name], item, options.seconds)
            results[name, item].add(result)
    _print_results(list(targets), loads, results)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.ingest", description=__doc__)
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--against", type=Path, help="checkout to compare with")
    parser.add_argument(
        "--url", help="measure this service; LEVERED_TOKEN is an admin's"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gzip", action="store_true", help="send bodies compressed")
    return parser.parse_args()


def _start_services(
    options: argparse.Namespace, stack: ExitStack
) -> Iterator[tuple[str, Target]]:
    if options.url:
        token = os.environ["LEVERED_TOKEN"]
        url = f"{options.url.rstrip('/')}/api/v2"
        yield "measured", create_target(url, token)
        return
    for name, checkout in (
        ("against", options.against),
        ("measured", options.checkout),
    ):
        if checkout:
            service = stack.enter_context(run_service(NO_LIMITS, checkout=checkout))
            yield name, create_target(service.url, service.issue_token())


def _run_round(target: Target, item: Load, seconds: float) -> LoadResult:
    requests = stream_requests(
        target, item.kind, has_keys=item.has_keys, is_gzipped=item.is_gzipped
    )
    result = run_closed_loop(
        target.address, requests, connections=item.connections, seconds=seconds
    )
    if set(result.statuses) != {200} or result.failed:
        sys.exit(f"{item}: the service answered {result.statuses}")
    return result


def _print_results(
    names: list[str], loads: list[Load], results: dict[tuple[str, Load], LoadResult]
) -> None:
    print(f"batches of {BATCH_SIZE}; events a second, milliseconds of a batch")
    print(f"| load | service | events/s | p50 | p95 | p99 | of {names[0]} |")
    print("|---|---|---|---|---|---|---|")
    for item in loads:
        base = results[names[0], item].rate
        for name in names:
            result = results[name, item]
            waits = (f"{result.quantile(share):.0f}" for share in (0.5, 0.95, 0.99))
            print(
                f"| {item} | {name} | {result.rate * BATCH_SIZE:,.0f} "
                f"| {' | '.join(waits)} | {result.rate / base:.2f} |"
            )


if __name__ == "__main__":
    main()
