"""Measure serving on loopback: `make bench BENCH=serve ARGS=--help`.

Starts everything itself, in temporary folders: this checkout's service, the same with
limits, a bare granian, and where named another checkout and GrowthBook's proxy. The
loads take turns round by round, so that their ratios hold on a busy machine. The rates
are those of this machine, which also runs the generator.
"""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tqdm import tqdm

from benchmarks.local_service import ROOT, UNLIMITED, NotReadyError, run_service
from benchmarks.serve import growth, loads, report, rounds, world
from benchmarks.serve.loads import Measured
from benchmarks.serve.peers import start_growthbook
from benchmarks.serve.rounds import Load, Round
from benchmarks.serve.servers import start_bare_granian

# Limits that count every request and refuse none.
HIGH_LIMITS = {
    **dict.fromkeys(UNLIMITED, "1000000000/m"),
    "NEW_USERS_PER_MINUTE": "1000000000",
}


def main() -> None:
    """Run what the options ask for and print it."""
    options = _parse_options()
    settings = dict(one.split("=", 1) for one in options.set)
    if options.memory:
        growth.print_memory(settings, options.memory)
    elif options.stored:
        growth.print_stored(settings, options.stored, options.seconds)
    elif options.partitions:
        growth.print_partitions(settings, options.partitions, options.seconds)
    else:
        _compare(options, settings)


def _compare(options: argparse.Namespace, settings: dict[str, str]) -> None:
    with ExitStack() as stack:
        measured, notes = _start_all(options, settings, stack)
        chosen = [
            one for one in measured if any(text in one.name for text in options.only)
        ]
        results = _run_all(chosen, options)
    tables = report.list_load_rows(results), report.list_goal_rows(results)
    title = (
        f"Commit {report.read_commit(ROOT)}: medians of {options.rounds} rounds of "
        f"{options.seconds:g} s, 64 connections, generator {options.generator}."
    )
    print("\n\n".join([title, *map(report.format_columns, tables), *notes]))
    if options.document:
        parts = [title, *map(report.format_markdown, tables), *notes]
        report.insert_text(options.document, "\n\n".join(parts))
    if options.json:
        report.write_json(options.json, results, vars(options))


def _start_all(
    options: argparse.Namespace, settings: dict[str, str], stack: ExitStack
) -> tuple[list[Load], list[str]]:
    """Start every server; return their loads, and a sentence for each that is absent."""
    ours = stack.enter_context(_start_ours("ours", {**UNLIMITED, **settings}, ROOT))
    limited = stack.enter_context(
        _start_ours("limits", {**HIGH_LIMITS, **settings}, ROOT)
    )
    optional, notes = loads.list_optional_loads(ours)
    granian = stack.enter_context(start_bare_granian())
    chosen = [
        *loads.list_bare_loads(granian),
        *loads.list_service_loads(ours),
        *optional,
        loads.build_first_serves(limited),
    ]
    if options.against:
        before = stack.enter_context(
            _start_ours("before", dict(UNLIMITED), options.against)
        )
        chosen += loads.list_service_loads(before)
    if options.peers:
        for is_sticky in (False, True):
            try:
                folder = options.peers / "growthbook"
                peer = start_growthbook(folder, is_sticky=is_sticky)
                chosen += loads.list_growthbook_loads(stack.enter_context(peer))
            except NotReadyError as error:
                notes.append(f"growthbook: left out. {error}")
    return chosen, notes


@contextmanager
def _start_ours(
    name: str, settings: dict[str, str], checkout: Path
) -> Iterator[Measured]:
    with run_service(settings, checkout=checkout) as service:
        held = world.build_world(service, optimizations=loads.BATCH_DECISIONS)
        world.train_world(held)
        yield Measured(name, held)


def _run_all(chosen: list[Load], options: argparse.Namespace) -> dict[str, list[Round]]:
    """Warm every load up, then run all of them in each round."""
    is_wrk = options.generator == "wrk"
    results: dict[str, list[Round]] = {one.name: [] for one in chosen}
    turns = [(0, one) for one in chosen if one.rate is None]
    turns += [(n + 1, one) for n in range(options.rounds) for one in chosen]
    for number, one in tqdm(turns, desc="rounds", disable=None):
        seconds = options.seconds if number else options.warm_up
        measured = rounds.run_round(one, number, seconds=seconds, is_wrk=is_wrk)
        if number:
            results[one.name].append(measured)
    return results


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="rounds of each load (3)")
    add("--seconds", type=float, default=5.0, help="length of a round (5)")
    add("--warm-up", type=float, default=8.0, help="seconds before the first (8)")
    add("--quick", action="store_true", help="1 round of 2 s after 2 s, to try it")
    add("--only", nargs="+", default=[""], help="only loads with one of these texts")
    add("--against", type=Path, help="another checkout of this project, beside it")
    add("--peers", type=Path, help="folder with GrowthBook's built proxy: growthbook/")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="our settings")
    add("--generator", choices=("wrk", "own"), help="wrk where it is installed")
    add("--json", type=Path, help="write every round to this file")
    add("--document", type=Path, help="write the tables into this page, too")
    add("--memory", type=int, help="memory of the web workers over so many users")
    add("--stored", type=int, help="cost of a serve from 10^4 to so many assignments")
    add("--partitions", type=int, help="cost of a serve after so many days of receipts")
    options = parser.parse_args()
    if options.against and not (options.against / "manage.py").exists():
        parser.error(f"--against needs a checkout; {options.against} has no manage.py.")
    if options.quick:
        options.rounds, options.seconds, options.warm_up = 1, 2.0, 2.0
    options.generator = options.generator or ("wrk" if rounds.has_wrk() else "own")
    return options


if __name__ == "__main__":
    try:
        main()
    except (NotReadyError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from error
