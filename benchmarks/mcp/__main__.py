"""Measure tool calls: `python -m benchmarks.mcp --url … --token … --optimization ID`.

The service must run without rate limits (RATELIMIT_GLOBAL=0, RATELIMIT_SERVE=0). Requests
go one at a time over one connection. The kinds take turns call by call, so their ratios
hold on a busy machine; the milliseconds are those of this machine.
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
    """Measure every pair and print a line for each."""
    options = _parse_options()
    headers = {"Authorization": f"Bearer {options.token}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        service = Service(client, options.url)
        compared_pairs = pairs.list_pairs(service, options.optimization)
        _require_success(compared_pairs)
        print(
            f"{'':<18}{'REST ms':>9}{pairs.HANDSHAKE:>12}{'ratio':>7}"
            f"{pairs.MODERN:>12}{'ratio':>7}{'bytes':>8}{'of MCP':>8}"
        )
        for pair in compared_pairs:
            _print_pair(pair, options.calls)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.mcp", description=__doc__)
    parser.add_argument("--url", default="http://localhost:3100")
    parser.add_argument("--token", default=os.environ.get("LEVERED_TOKEN", ""))
    parser.add_argument(
        "--optimization", required=True, help="id of a live optimization"
    )
    parser.add_argument("--calls", type=int, default=100, help="calls of each kind")
    return parser.parse_args()


def _require_success(compared_pairs: list[Pair]) -> None:
    """Exit with the error of the first request that fails."""
    for pair in compared_pairs:
        for kind in KINDS:
            response = getattr(pair, kind)()
            has_tool_error = b'"isError":true' in response.content
            if not response.is_success or has_tool_error:
                sys.exit(
                    f"{pair.name}, {kind}: {response.status_code} {response.text[:300]}"
                )


def _print_pair(pair: Pair, calls: int) -> None:
    """Print the median time of each kind, and its ratio to that of REST."""
    sends: list[Send] = [getattr(pair, kind) for kind in KINDS]
    milliseconds: list[list[float]] = [[], [], []]
    sizes = [len(send().content) for send in sends]
    for _ in tqdm(range(calls), desc=pair.name, leave=False, disable=None):
        for times, send in zip(milliseconds, sends, strict=True):
            started_at = time.perf_counter()
            send()
            times.append(1000 * (time.perf_counter() - started_at))
    rest, older, newer = map(statistics.median, milliseconds)
    print(
        f"{pair.name:<18}{rest:>9.1f}{older:>12.1f}{older / rest:>7.2f}"
        f"{newer:>12.1f}{newer / rest:>7.2f}{sizes[0]:>8,}{sizes[1]:>8,}"
    )


if __name__ == "__main__":
    main()
