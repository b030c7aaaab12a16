"""Use and kill the service at once: `make soak ARGS="--minutes 10"`.

Starts the service in a temporary home. Clients serve new and known users, send events
with idempotency keys, disable variants and train, while every 20 s a web worker, the
Celery worker, Valkey or Postgres is killed. Afterwards every acknowledged decision and
event is looked up. Exits with 1 if anything was lost, doubled or inconsistent.
"""

import argparse
import sys

from tqdm import tqdm

from benchmarks.local_service import UNLIMITED, NotReadyError, run_service
from benchmarks.serve.world import build_world
from benchmarks.soak.journal import Journal
from benchmarks.soak.run import SoakOptions, Verdict, run_soak

SHOWN_VIOLATIONS = 20


def main() -> None:
    """Run one soak and print its verdict."""
    options = _parse_options()
    soak = SoakOptions(60 * options.minutes, options.kill_every, options.seed)
    settings = dict(one.split("=", 1) for one in options.set)
    try:
        with (
            run_service({**UNLIMITED, **settings}) as service,
            tqdm(total=round(soak.seconds), unit=" s", disable=None) as bar,
        ):

            def show(journal: Journal) -> None:
                last = journal.kills[-1].part if journal.kills else "none"
                bar.n = round(bar.format_dict["elapsed"])
                bar.set_postfix_str(
                    f"{len(journal.answers):,} serves, last kill: {last}"
                )

            verdict = run_soak(build_world(service, optimizations=2), soak, show)
    except NotReadyError as error:
        raise SystemExit(str(error)) from error
    _print_verdict(verdict, options.seed)
    sys.exit(bool(verdict.violations))


def _print_verdict(verdict: Verdict, seed: int) -> None:
    for name, text in verdict.counts.items():
        print(f"{name:<34}{text}")
    for violation in verdict.violations[:SHOWN_VIOLATIONS]:
        print(f"VIOLATION  {violation}")
    count = len(verdict.violations)
    print(f"\nseed {seed}: {f'{count} violations' if count else 'nothing lost, held'}")


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--minutes", type=float, default=10.0, help="length of the traffic (10)")
    add("--kill-every", type=float, default=20.0, help="seconds between kills (20)")
    add("--seed", type=int, default=1, help="of everything random (1)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="settings")
    return parser.parse_args()


if __name__ == "__main__":
    main()
