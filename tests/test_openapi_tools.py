"""What others' tools make of docs/openapi.yaml: linters, and a generated client."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.support import factories
from tests.support.javascript_client import NODE, find_missing_packages

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / "tests" / "openapi_tools"
DOCUMENT = ROOT / "docs" / "openapi.yaml"
REDOCLY = "@redocly/cli/bin/cli.js"
SPECTRAL = "@stoplight/spectral-cli/dist/index.js"
OPENAPI_TYPESCRIPT = "openapi-typescript/bin/cli.js"
TSC = "typescript/bin/tsc"
# No news, no telemetry.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="module")
def _packages() -> None:
    """Skip, loudly, where the packages of npm cannot be had."""
    problem = find_missing_packages(TOOLS)
    if problem:
        pytest.skip(f"docs/openapi.yaml: NOT LINTED, NO CLIENT GENERATED: {problem}")


@pytest.fixture(scope="module")
def client_folder(_packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate a client of the document beside the story that uses it."""
    folder = tmp_path_factory.mktemp("openapi_client")
    for name in ("story.ts", "process.d.ts", "tsconfig.json", "package.json"):
        shutil.copy(TOOLS / name, folder)
    (folder / "node_modules").symlink_to(TOOLS / "node_modules")
    _run(OPENAPI_TYPESCRIPT, DOCUMENT, "--output", folder / "schema.d.ts")
    return folder


def _run(program: str, *arguments: object, folder: Path = TOOLS) -> str:
    """Run a program of the packages; return what it printed. Fails where it fails."""
    result = subprocess.run(
        [NODE, TOOLS / "node_modules" / program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | QUIET,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.usefixtures("_packages")
def test_redocly_finds_neither_errors_nor_warnings() -> None:
    output = _run(
        REDOCLY, "lint", "--extends=recommended", "--format=json", str(DOCUMENT)
    )

    report = json.loads(output)
    assert report["problems"] == []


@pytest.mark.usefixtures("_packages")
def test_spectral_finds_neither_errors_nor_warnings(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')

    output = _run(
        SPECTRAL, "lint", "--ruleset", rules, "--format=json", "--quiet", DOCUMENT
    )

    assert json.loads(output) == []


def test_a_client_needs_no_option_for_what_has_a_default(client_folder: Path) -> None:
    """By default what has a default is required, unless it stands in a body."""
    lenient = client_folder / "lenient.d.ts"

    _run(
        OPENAPI_TYPESCRIPT,
        DOCUMENT,
        *("--output", lenient, "--default-non-nullable=false"),
    )

    assert "@default 60" in lenient.read_text()
    assert (client_folder / "schema.d.ts").read_text() == lenient.read_text()


def test_a_generated_client_compiles_strictly(client_folder: Path) -> None:
    assert _run(TSC, "--project", client_folder, folder=client_folder) == ""


@pytest.mark.django_db(transaction=True)
def test_a_generated_client_makes_ten_calls(
    client_folder: Path, live_server: LiveServer
) -> None:
    token = factories.admin_token(factories.make_organization())

    result = subprocess.run(
        [NODE, "--no-warnings", client_folder / "story.ts", live_server.url, token],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told.pop("health") in {"ok", "warning", "broken"}
    assert told == {
        "role": "admin",
        "served": True,
        "listed": [True],
        "holdout": 20,
        "status": "completed",
        "missing": "not_found",
    }


def test_the_lock_of_the_tools_names_no_registry() -> None:
    assert '"resolved"' not in (TOOLS / "package-lock.json").read_text()
