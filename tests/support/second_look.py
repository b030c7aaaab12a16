"""Run tests once more that failed and that depend on how busy the machine is.

Files called test_survival*.py run the whole service, kill parts of it and wait for it to
recover. A machine that stands still for seconds fails some of them. Every other test that
failed has failed. `make test` runs this after a failure.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

FAILED = Path(".pytest_cache/v/cache/lastfailed")
HINT = (
    "== Only tests of a running service failed: they run once more, one after another.\n"
    "== One that passes now met a machine that was too busy: please report it."
)


def may_run_again(failed: Iterable[str]) -> bool:
    """Return whether some tests failed, and only such as run the whole service."""
    files = [Path(node.split("::")[0]).name for node in failed]
    return bool(files) and all(name.startswith("test_survival") for name in files)


def main(arguments: Sequence[str]) -> int:
    """Return the exit code of the second run; 1 where there is none."""
    failed = json.loads(FAILED.read_text()) if FAILED.exists() else {}
    if not may_run_again(failed):
        return 1
    sys.stdout.write(f"\n{HINT}\n")
    sys.stdout.flush()
    return pytest.main(["--last-failed", "--maxfail=1", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
