"""A client that openapi-python-client makes of docs/openapi.yaml, with default options."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.support import factories

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "openapi.yaml"
STORY = ROOT / "tests" / "openapi_tools" / "python_story.txt"
# Bodies that are no JSON: the generator knows neither pictures nor texts of its own kind.
WARNINGS = {
    "GET /api/v2/optimizations/{id}/variants/by-number/{number}/screenshot",
    "PUT /api/v2/optimizations/{id}/variants/by-number/{number}/screenshot",
    "POST /api/v2/track",
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Generate the client beside the story that uses it; what the generator printed."""
    folder = tmp_path_factory.mktemp("openapi_python_client")
    output = _run(
        *("-m", "openapi_python_client", "generate", "--path", str(DOCUMENT)),
        *("--output-path", str(folder), "--overwrite"),
    )
    shutil.copy(STORY, folder / "story.py")
    return folder, output


def _run(*arguments: str, folder: Path = ROOT) -> str:
    """Run Python; return what it printed. Fails where it fails."""
    programs = Path(sys.executable).parent  # the generator formats with ruff
    result = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_only_bodies_that_are_no_json_are_left_out(
    generated: tuple[Path, str],
) -> None:
    _, output = generated

    warned = [
        line.removeprefix("WARNING parsing ").partition(" within ")[0]
        for line in output.splitlines()
        if line.startswith(("WARNING", "ERROR"))
    ]
    assert set(warned) == WARNINGS
    assert len(warned) == len(WARNINGS)


def test_the_client_and_its_use_are_typed_strictly(
    generated: tuple[Path, str],
) -> None:
    folder, _ = generated

    output = _run(
        *("-m", "mypy", "--strict", "--config-file=", "story.py", "levered_api_client"),
        folder=folder,
    )

    assert output.startswith("Success")


@pytest.mark.django_db(transaction=True)
def test_the_client_makes_ten_calls(
    generated: tuple[Path, str], live_server: LiveServer
) -> None:
    folder, _ = generated
    token = factories.admin_token(factories.make_organization())

    told = json.loads(_run("story.py", live_server.url, token, folder=folder))

    assert told.pop("health") in {"ok", "warning", "broken"}
    assert told == {
        "role": "admin",
        "price": True,
        "served": True,
        "listed": [True],
        "holdout": 20,
        "status": "completed",
        "missing": "not_found",
    }
