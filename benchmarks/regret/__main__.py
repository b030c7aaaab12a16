"""Run engines on workloads and write the table: `make bench-regret ARGS=--help`.

Each run is saved when it ends, so the same command continues after an interruption. Seeds
are the outermost loop: at any time every workload and engine has about as many runs.
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
    """Make the missing runs, then write the table."""
    options = _parse_options()
    if options.runs:
        with threadpool_limits(1):
            _make_runs(options)
    lines = results.select_newest(results.read_lines(options.results))
    text = report.render_markdown(lines)
    if options.document is None:
        sys.stdout.write(text)
    else:
        report.insert_text(options.document, text)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.regret", description=__doc__)
    names = sorted(WORKLOADS)
    parser.add_argument("--workloads", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--engines",
        nargs="+",
        default=["*"],
        help="patterns: vw_*, or W3:vw_* on W3 only",
    )
    parser.add_argument("--seeds", type=int, default=200, help="worlds per workload")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--repeats", type=int, default=1, help="runs in each world")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="time limit"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--document", type=Path, help="write the table into it; else print it"
    )
    parser.add_argument("--table-only", dest="runs", action="store_false")
    return parser.parse_args()


def _make_runs(options: argparse.Namespace) -> None:
    deadline = time.monotonic() + 60 * options.minutes
    entrants = engines.load_engines()
    keys = list(_list_keys(options, entrants))
    if not keys:
        sys.exit(f"--engines matches none of: {', '.join(entrants)}")
    done = {(line.key, line.version) for line in results.read_lines(options.results)}
    missing = [key for key in keys if (key, entrants[key[1]].version) not in done]
    for key in tqdm(missing, desc="runs", disable=None):
        if time.monotonic() > deadline:
            break
        results.append_line(options.results, _simulate_line(key, entrants[key[1]]))


def _list_keys(options: argparse.Namespace, names: Iterable[str]) -> Iterator[Key]:
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    order = itertools.product(
        seeds, range(options.repeats), options.workloads, list(names)
    )
    for seed, repeat, workload, engine in order:
        labels = engine, f"{workload}:{engine}"
        if any(
            fnmatch(text, pattern) for pattern in options.engines for text in labels
        ):
            yield workload, engine, seed, repeat


def _simulate_line(key: Key, entrant: Entrant) -> Line:
    workload, _, seed, repeat = key
    run = simulate_run(WORKLOADS[workload], entrant.engine, seed, repeat)
    return Line(run, entrant.version)


if __name__ == "__main__":
    main()
