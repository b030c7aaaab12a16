"""Measure reading results: `python -m benchmarks.results [--baseline CHECKOUT]`.

The world is 100 variants, 12 context cells and 60 days, with a guardrail metric. With
`--baseline`, another checkout of this project (a `git worktree`) builds it, reads it in
turns with this one, and must give equal answers. Times are of one GET inside the web
process, without the network; ratios hold on a busy machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.warehouse import engine

HERE = Path(__file__).resolve().parents[2]
READINGS = {
    "results": "/optimizations/{id}/results",
    "report-data": "/optimizations/{id}/report-data",
    "outcome-mix": "/optimizations/{id}/outcome-mix",
    "observations": "/optimizations/{id}/observations",
    "progress": "/optimizations/{id}/progress",
    "guardrails": "/optimizations/{id}/guardrails",
    "holdout-daily": "/optimizations/{id}/holdout-daily",
    "lift-history": "/optimizations/{id}/lift-history",
    "list": "/optimizations",
}
COMPRESSED = ("results", "report-data")


@dataclass(slots=True)
class Reader:
    """A process that reads with the code of one checkout, and what it measured."""

    name: str
    process: "subprocess.Popen[str]"
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_milliseconds: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def send(self, command: str, **arguments: object) -> dict[str, Any]:
        """Run a command of `session.Session` and return its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"The {self.name} checkout failed; its error is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def measure(self, name: str, path: str, *, compressed: bool) -> None:
        """Read once and note time and size."""
        reading = self.send("read", path=path, compressed=compressed)
        self.milliseconds.setdefault(name, []).append(1000 * reading["seconds"])
        self.cpu_milliseconds.setdefault(name, []).append(1000 * reading["cpu"])
        self.sizes[name] = reading["bytes"]


def main() -> None:
    """Build the world, read it in turns, compare the answers, print."""
    options = _parse_options()
    with ExitStack() as stack:
        environment = stack.enter_context(engine.run_stores())
        present = stack.enter_context(_run_reader("present", HERE, environment))
        readers = [present]
        if options.baseline:
            baseline = _run_reader("baseline", options.baseline, environment)
            readers.insert(0, stack.enter_context(baseline))
        size = _read_size(options)
        built = readers[0].send("build", **size)
        for reader in readers:
            reader.send("migrate")
        paths = {
            name: path.format(id=built["optimization"])
            for name, path in READINGS.items()
        }
        _read_in_turns(readers, paths, options.rounds)
        differences = _find_differences(readers, paths) if options.baseline else []
    print(f"{size}: {built['cells']:,} cells")
    _print_report(readers)
    for difference in differences:
        print(difference)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.results", description=__doc__)
    parser.add_argument("--baseline", type=Path, help="another checkout's folder")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--variants", default="5,5,4", help="levels of the factors")
    parser.add_argument(
        "--contexts", default="3,4", help="levels, 'other' and 'missing' counted"
    )
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--kind", choices=("bool", "numeric"), default="bool")
    return parser.parse_args()


def _read_size(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "variants": [int(count) for count in options.variants.split(",")],
        "contexts": [int(count) for count in options.contexts.split(",")],
        "days": options.days,
        "users": options.users,
        "kind": options.kind,
    }


@contextmanager
def _run_reader(
    name: str, checkout: Path, environment: dict[str, str]
) -> Iterator[Reader]:
    """Start a checkout's process; it ends with its standard input."""
    own = {"PYTHONPATH": str(checkout.resolve()), "RATELIMIT_GLOBAL": "0"}
    script = Path(__file__).with_name("start_session.py")
    command = [sys.executable, "-P", str(script)]
    with subprocess.Popen(
        command,
        cwd=checkout,
        env=environment | own | {"LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Reader(name, process)


def _read_in_turns(readers: list[Reader], paths: dict[str, str], rounds: int) -> None:
    """Read everything once to warm up, then in turns; the order changes each round."""
    for number in tqdm(range(rounds + 1), desc="rounds", disable=None):
        for name, path in paths.items():
            for reader in readers[:: 1 if number % 2 else -1]:
                reader.measure(name, path, compressed=False)
                if name in COMPRESSED:
                    reader.measure(f"{name}, gzip", path, compressed=True)
        if not number:
            for reader in readers:
                reader.milliseconds.clear()
                reader.cpu_milliseconds.clear()


def _find_differences(readers: list[Reader], paths: dict[str, str]) -> list[str]:
    """Return a line for each endpoint, whose answers must be equal field by field."""
    lines = []
    for name, path in paths.items():
        before, after = (reader.send("show", path=path) for reader in readers)
        lines.append(f"{name}: {_describe_difference(before, after) or 'equal'}")
    return lines


def _describe_difference(before: object, after: object, path: str = "") -> str:
    """Return where two documents first differ; "" where they do not."""
    if isinstance(before, dict) and isinstance(after, dict):
        if missing := before.keys() ^ after.keys():
            return f"{path or 'top level'}: only one has {sorted(missing)}"
        places: Iterable[Any] = before
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            return f"{path}: {len(before)} or {len(after)} entries"
        places = range(len(before))
    else:
        is_same = type(before) is type(after) and before == after
        return "" if is_same else f"{path}: {before!r} or {after!r}"
    differences = (
        _describe_difference(before[place], after[place], f"{path}.{place}")
        for place in places
    )
    return next(filter(None, differences), "")


def _print_report(readers: list[Reader]) -> None:
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    print(f"medians of {len(readers[0].milliseconds['results'])}; load {load}\n")
    has_baseline = len(readers) > 1
    print(f"{'':<20}", end="")
    for reader in readers:
        print(f"{reader.name + ' ms':>14}{'CPU ms':>8}{'bytes':>12}", end="")
    print(f"{'ratio':>8}{'of CPU':>8}" if has_baseline else "")
    for name in readers[0].milliseconds:
        print(f"{name:<20}", end="")
        for reader in readers:
            wall, cpu = _compute_medians(reader, name)
            print(f"{wall:>14.1f}{cpu:>8.1f}{reader.sizes[name]:>12,}", end="")
        if has_baseline:
            before, after = (_compute_medians(reader, name) for reader in readers)
            print(f"{after[0] / before[0]:>8.2f}{after[1] / before[1]:>8.2f}", end="")
        print()


def _compute_medians(reader: Reader, name: str) -> tuple[float, float]:
    """Return the medians of wall-clock and CPU milliseconds."""
    return (
        statistics.median(reader.milliseconds[name]),
        statistics.median(reader.cpu_milliseconds[name]),
    )


if __name__ == "__main__":
    main()
