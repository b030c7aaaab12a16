"""Measure tool calls: `python -m benchmarks.mcp --url … --token … --optimization ID`.

The service must run without limits (RATELIMIT_GLOBAL=0, RATELIMIT_SERVE=0). One request at
a time over one connection; the kinds take turns, call by call, so that the ratios between
them hold on a noisy machine. The milliseconds themselves are this machine's.
"""

import argparse
import os
import statistics
import sys
import time

import httpx
from tqdm import tqdm

from benchmarks.mcp import pairs
from benchmarks.mcp.pairs import Pair, Send, Service

KINDS = ("rest", "older", "newer")


def main() -> None:
    """Run every pair in turns and print what came back."""
    options = _parse_options()
    headers = {"Authorization": f"Bearer {options.token}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        service = Service(client, options.url)
        compared = pairs.list_pairs(service, options.optimization)
        _require_success(compared)
        print(
            f"{'':<18}{'REST ms':>9}{pairs.HANDSHAKE:>12}{'ratio':>7}"
            f"{pairs.MODERN:>12}{'ratio':>7}{'bytes':>8}{'of MCP':>8}"
        )
        for pair in compared:
            _print_pair(pair, options.calls)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.mcp", description=__doc__)
    parser.add_argument("--url", default="http://localhost:3100")
    parser.add_argument("--token", default=os.environ.get("LEVERED_TOKEN", ""))
    parser.add_argument("--optimization", required=True, help="a live one's id")
    parser.add_argument("--calls", type=int, default=100, help="of each kind")
    return parser.parse_args()


def _require_success(compared: list[Pair]) -> None:
    for pair in compared:
        for kind in KINDS:
            answer = getattr(pair, kind)()
            failed = b'"isError":true' in answer.content
            if not answer.is_success or failed:
                sys.exit(
                    f"{pair.name}, {kind}: {answer.status_code} {answer.text[:300]}"
                )


def _print_pair(pair: Pair, calls: int) -> None:
    """Print the median of each kind, and the ratio of the medians to REST's."""
    sends: list[Send] = [getattr(pair, kind) for kind in KINDS]
    taken: list[list[float]] = [[], [], []]
    sizes = [len(send().content) for send in sends]
    for _ in tqdm(range(calls), desc=pair.name, leave=False, disable=None):
        for times, send in zip(taken, sends, strict=True):
            began = time.perf_counter()
            send()
            times.append(1000 * (time.perf_counter() - began))
    rest, older, newer = map(statistics.median, taken)
    print(
        f"{pair.name:<18}{rest:>9.1f}{older:>12.1f}{older / rest:>7.2f}"
        f"{newer:>12.1f}{newer / rest:>7.2f}{sizes[0]:>8,}{sizes[1]:>8,}"
    )


if __name__ == "__main__":
    main()
