"""Measure the admin's overview, lists and tabs: `python -m benchmarks.admin_pages`.

The world is 1,000 optimizations of 50 variants, each counted and trained. One more has
counts of 60 days, receipts and screenshots: its pages are measured. Times are CPU
of one GET inside the web process, without the network and the browser.
"""

import argparse
import subprocess
import sys

from benchmarks.warehouse import engine


def main() -> None:
    """Build the world in stores of its own, read the pages, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--optimizations", type=int, default=1000)
    parser.add_argument("--variants", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with engine.run_stores() as environment:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            env=environment,
            check=True,
        )
        arguments = map(str, (options.optimizations, options.variants, options.rounds))
        subprocess.run(
            [sys.executable, "-m", "benchmarks.admin_pages.start_session", *arguments],
            env=environment,
            check=True,
        )


if __name__ == "__main__":
    main()
