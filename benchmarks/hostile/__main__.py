"""Serve users beside hostile clients: `make bench BENCH=hostile`.

First serves at 450 a second, from an address of their own, while other addresses hold
connections that they never use as they should. A quiet round stands before each attack,
so that the ratio of the two holds on a busy machine.
"""

import argparse
import resource
import subprocess
from statistics import median

from tqdm import tqdm

from benchmarks.hostile.attacks import ATTACKS, NoConnectionsError, run_attack
from benchmarks.local_service import UNLIMITED, NotReadyError, run_service
from benchmarks.serve import load, report
from benchmarks.serve.load import LoadResult
from benchmarks.serve.requests import NUMBER, build_template
from benchmarks.serve.world import CONTEXT, World, build_world, train_world

RATE = 450.0
CONNECTIONS = 32
WARM_UP_SECONDS = 5.0
COLUMNS = (
    "attack, quiet p50 ms, p50 ms, quiet p99 ms, p99 ms, of quiet, refused, failed"
)
Pair = tuple[LoadResult, LoadResult]


def main() -> None:
    """Run every attack in every round and print the medians."""
    options = _parse_options()
    _allow_open_files()
    with run_service(dict(UNLIMITED)) as service:
        world = build_world(service)
        train_world(world)
        _serve(world, "warm", WARM_UP_SECONDS)
        turns = [
            (n, attack)
            for n in range(options.rounds)
            for attack in ATTACKS
            if options.only in attack.name
        ]
        pairs: dict[str, list[Pair]] = {attack.name: [] for _, attack in turns}
        for number, attack in tqdm(turns, desc="attacks", disable=None):
            suffix = f"{number}-{attack.count}-{attack.name[-3:]}"
            quiet = _serve(world, f"q{suffix}", options.seconds)
            with run_attack(attack, service.port):
                beside = _serve(world, f"a{suffix}", options.seconds)
            pairs[attack.name].append((quiet, beside))
    rows = [
        COLUMNS.split(", "),
        *(_build_row(name, all_) for name, all_ in pairs.items()),
    ]
    print(report.format_columns(rows))


def _serve(world: World, prefix: str, seconds: float) -> LoadResult:
    template = build_template(
        "POST",
        f"/api/v2/optimizations/{world.optimization_id}/serve",
        {"anonymous_id": f"{prefix}-{NUMBER}", "context": CONTEXT},
    )
    return load.run_open_loop(
        ("127.0.0.1", world.service.port),
        template.generate(),
        rate=RATE,
        connections=CONNECTIONS,
        seconds=seconds,
    )


def _build_row(name: str, pairs: list[Pair]) -> list[str]:
    """Return the medians of the rounds; `of quiet` is that of the rounds' ratios."""
    figures = [
        median(result.quantile(share) for result in results)
        for share in (0.5, 0.99)
        for results in zip(*pairs, strict=True)
    ]
    ratio = median(
        beside.quantile(0.99) / quiet.quantile(0.99) for quiet, beside in pairs
    )
    refused = sum(sum(b.statuses.values()) - b.statuses.get(200, 0) for _, b in pairs)
    failed = sum(beside.failed for _, beside in pairs)
    return [
        name,
        *(f"{figure:.1f}" for figure in figures),
        f"{ratio:.2f}",
        str(refused),
        str(failed),
    ]


def _allow_open_files() -> None:
    """Allow this process and those that it starts all that the system lets them have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.hostile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="length of a measurement (8)"
    )
    parser.add_argument("--only", default="", help="attacks whose name has this text")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (NotReadyError, NoConnectionsError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from error
