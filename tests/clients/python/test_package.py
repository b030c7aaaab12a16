"""The package: typed, layered, and one version everywhere."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import levered
from levered import transport
from tests.support.python_client import PACKAGE

ROOT = PACKAGE.parents[1]
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
# What an application that only decides should not have to load.
LAZY = {"rich", "click", "pandas", "matplotlib", "django"}


def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["version"]

    changelog = (PACKAGE / "CHANGELOG.md").read_text()

    assert re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[0] == version
    assert levered.__version__ == version
    assert f"levered-python/{version}" == transport.USER_AGENT


def test_the_package_is_typed_and_says_so() -> None:
    assert (PACKAGE / "src" / "levered" / "py.typed").exists()


def test_imports_run_downwards_only() -> None:
    """The contracts are in the package's own pyproject.toml."""
    program = Path(sys.executable).parent / "lint-imports"

    done = subprocess.run(
        [program, "--config", PACKAGE / "pyproject.toml", "--no-cache"],
        cwd=PACKAGE / "src",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_deciding_loads_no_more_than_it_needs() -> None:
    program = (
        "import sys, levered\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PACKAGE / "src")},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(done.stdout.split())
    assert {"httpx", "cryptography"} <= loaded
    # httpx has a command line of its own, which loads these where they are installed.
    assert not (LAZY - {"rich", "click"}) & loaded


def test_an_installed_package_has_its_types_and_its_command(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]

    subprocess.run([*pip, "wheel", *build, PACKAGE], check=True)
    (wheel,) = tmp_path.glob("levered-*.whl")
    target = tmp_path / "installed"
    install = ["--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, "install", *install, wheel], check=True)

    done = subprocess.run(
        [target / "bin" / "levered", "--version"],
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"levered, version {PROJECT['version']}\n"
    assert (target / "levered" / "py.typed").exists()


@pytest.mark.parametrize("name", sorted(PROJECT["dependencies"]))
def test_what_the_package_needs_is_pinned_for_the_tests(name: str) -> None:
    needed = re.split(r"[<>=]", name)[0]
    pins = "".join(
        (ROOT / path).read_text()
        for path in ("requirements.txt", "tests/requirements.txt")
    )

    assert re.search(rf"^{needed}==", pins, re.MULTILINE | re.IGNORECASE)
