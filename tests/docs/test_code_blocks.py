"""Every code block of README and docs that can run is run, against a real service."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
import yaml

from levered_site.local import embedded
from tests.support.code_blocks import ROOT, CodeBlock, find_blocks
from tests.support.running_service import Service, issue_token

# Commands that install, never end, or need a program that is not ours; by first word(s).
NOT_RUN = {
    "make": "builds the environment or runs the service, as every test run does",
    "claude": "another vendor's command line",
    ".venv/bin/pre-commit": "writes a hook into the reader's own checkout",
}
# No program reads these languages; the text is what a person sees.
NOT_PARSED = {"mermaid", "text", ""}
# Run in a browser, by tests/optimizations/ingestion/test_tracking_in_browser.py.
RUN_IN_BROWSER = {"js"}
# Shown from docs/examples, whose files are run by tests/docs/test_in_your_app.py and
# tests/clients/javascript/test_examples.py.
RUN_FROM_FILES = {"html", "ts", "tsx", "vue"}
READERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
}
BLOCKS = list(find_blocks())


def _is_run(line: str) -> bool:
    return not any(line.startswith(f"{command} ") for command in NOT_RUN)


def _blocks_of(*languages: str) -> list[CodeBlock]:
    return [block for block in BLOCKS if block.language in languages]


def _name(block: CodeBlock) -> str:
    return f"{block.page}:{block.line}"


@pytest.fixture(scope="module")
def service(shared_service: Service) -> Service:
    """Return the service that all pages use."""
    return shared_service


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    """Return a token of an admin, as a reader has one."""
    return issue_token(service.home)


def _adapt(text: str, service: Service) -> str:
    """Point a block at the test's service and interpreter."""
    return (
        text.replace("http://localhost:3100", f"http://localhost:{service.port}")
        .replace(".venv/bin/python", shlex.quote(sys.executable))
        .replace("org_demo", "org_docs")
    )


def _run(command: list[str], program: str, service: Service, token: str) -> str:
    addresses = embedded.build_addresses(service.home)
    environment = {
        **os.environ,
        "LEVERED_HOME": str(service.home),
        "DATABASE_URL": addresses.database_url,
        "LEVERED_TOKEN": token,
    }
    done = subprocess.run(
        [*command, program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_language_is_run_parsed_or_known_to_be_text() -> None:
    languages = {block.language for block in BLOCKS}

    elsewhere = RUN_IN_BROWSER | RUN_FROM_FILES
    assert languages <= {"sh", "python", "sql", *READERS, *NOT_PARSED, *elsewhere}


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "jq"))),
    reason="the pages' shell lines need bash, curl and jq",
)
@pytest.mark.parametrize("page", sorted({block.page for block in _blocks_of("sh")}))
def test_the_shell_lines_of_a_page_work_in_order(
    page: str, service: Service, token: str
) -> None:
    """Blocks of one page share a shell, as for a reader who goes down the page."""
    blocks = [block.text for block in _blocks_of("sh") if block.page == page]
    lines = [line for line in "".join(blocks).splitlines() if _is_run(line)]
    program = "\n".join(["set -euo pipefail", *lines])

    printed = _run(["bash", "-c"], _adapt(program, service), service, token)

    assert '"error"' not in printed


@pytest.mark.parametrize("block", _blocks_of("python"), ids=_name)
def test_a_python_block_runs(block: CodeBlock, service: Service, token: str) -> None:
    _run([sys.executable, "-c"], _adapt(block.text, service), service, token)


@pytest.mark.parametrize("block", _blocks_of(*READERS), ids=_name)
def test_a_data_block_can_be_read(block: CodeBlock) -> None:
    assert READERS[block.language](block.text)


@pytest.mark.parametrize("block", _blocks_of("sql"), ids=_name)
def test_a_sql_block_runs_in_the_managed_store(
    block: CodeBlock, service: Service
) -> None:
    """A placeholder `<statement>` stands for one that the service prints."""
    text = block.text.replace("<statement>", "SELECT 1")
    database_url = embedded.build_addresses(service.home).database_url

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(text.encode())
