"""Run engines on workloads and write the table: `make bench-regret ARGS=--help`.

Each run is kept as it ends; stopped at any time, the same command goes on. Seeds turn
slowest: whenever one looks, every workload and engine has about as many runs.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.regret import engines, report, results
from benchmarks.regret.engines import Entrant
from benchmarks.regret.results import Key, Line
from benchmarks.regret.simulate import simulate_run
from benchmarks.regret.workloads import WORKLOADS

RESULTS = Path(".levered/benchmarks/regret.jsonl")
FIRST_SEED = 5000


def main() -> None:
    """Make the runs that are missing, then write the table."""
    options = _parse_options()
    if options.runs:
        with threadpool_limits(1):
            _make_runs(options)
    text = report.render_markdown(
        results.select_newest(results.read_lines(options.results))
    )
    if options.document is None:
        sys.stdout.write(text)
    else:
        report.insert_text(options.document, text)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.regret", description=__doc__)
    every = sorted(WORKLOADS)
    parser.add_argument("--workloads", nargs="+", choices=every, default=every)
    parser.add_argument(
        "--engines", nargs="+", default=["*"], help="vw_*, or W3:vw_* on W3 alone"
    )
    parser.add_argument("--seeds", type=int, default=200, help="worlds per workload")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--repeats", type=int, default=1, help="runs in each world")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="at most")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--document", type=Path, help="where the table goes; or printed"
    )
    parser.add_argument("--table-only", dest="runs", action="store_false")
    return parser.parse_args()


def _make_runs(options: argparse.Namespace) -> None:
    until = time.monotonic() + 60 * options.minutes
    entrants = engines.load_engines()
    keys = list(_list_keys(options, entrants))
    if not keys:
        sys.exit(f"--engines: none of {', '.join(entrants)} is meant")
    done = {(line.key, line.version) for line in results.read_lines(options.results)}
    missing = [key for key in keys if (key, entrants[key[1]].version) not in done]
    for key in tqdm(missing, desc="runs", disable=None):
        if time.monotonic() > until:
            break
        results.append_line(options.results, _simulate_line(key, entrants[key[1]]))


def _list_keys(options: argparse.Namespace, names: Iterable[str]) -> Iterator[Key]:
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    order = itertools.product(
        seeds, range(options.repeats), options.workloads, list(names)
    )
    for seed, repeat, workload, engine in order:
        both = engine, f"{workload}:{engine}"
        if any(fnmatch(name, pattern) for pattern in options.engines for name in both):
            yield workload, engine, seed, repeat


def _simulate_line(key: Key, entrant: Entrant) -> Line:
    workload, _, seed, repeat = key
    run = simulate_run(WORKLOADS[workload], entrant.engine, seed, repeat)
    return Line(run, entrant.version)


if __name__ == "__main__":
    main()
