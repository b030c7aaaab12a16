"""Which packages each part of the service loads, in fresh interpreters."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def list_loaded_modules(statements: str) -> set[str]:
    """Run statements in a fresh interpreter; return its top-level modules."""
    program = (
        f"{statements}\nimport sys\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(process.stdout.split())


@pytest.mark.parametrize(
    "package", ["models_app.bandit", "metrics.stats", "warehouse.sql"]
)
def test_a_pure_package_needs_no_framework(package: str) -> None:
    """Every module of the package is imported."""
    statements = (
        "import importlib, pkgutil\n"
        f"package = importlib.import_module({package!r})\n"
        f"for each in pkgutil.walk_packages(package.__path__, {package + '.'!r}):\n"
        "    importlib.import_module(each.name)"
    )

    loaded = list_loaded_modules(statements)

    assert package.split(".", maxsplit=1)[0] in loaded
    assert not loaded & {"django", "rest_framework", "celery", "redis", "psycopg"}


def test_a_web_process_starts_with_neither_scipy_nor_sklearn_nor_mcp() -> None:
    """The whole URLconf is loaded, with the admin and the schema generator.

    The first MCP message loads the MCP SDK.
    """
    statements = (
        "from levered_site.wsgi import application\n"
        "from django.urls import get_resolver\n"
        "from django.contrib import admin\n"
        "assert len(get_resolver().reverse_dict) > 20\n"
        "admin.autodiscover()"
    )

    loaded = list_loaded_modules(statements)

    assert {"django", "numpy", "optimizations"} <= loaded
    assert not loaded & {"scipy", "sklearn", "mcp", "pydantic"}


def test_the_service_starts_with_its_own_requirements_only() -> None:
    """Packages that only the tests need are hidden, as on a fresh machine."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line.split(" #")[0] for line in lines if line and line[0] != "#"]
    pinned = {canonicalize_name(Requirement(line).name) for line in pins}
    hidden = {
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & pinned
    }
    hide = (
        "import sys\n"
        f"hidden = {hidden!r}\n"
        "class Hiding:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in hidden: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hiding())\n"
    )
    start = (
        "from levered_site.wsgi import application\n"
        "from django.contrib import admin\n"
        "admin.autodiscover()\n"
        "import optimizations.tasks, levered_site.demo.__main__, levered_site.web.worker, levered_site.asgi\n"
        "import celery.bin.celery, celery.apps.worker, celery.apps.beat\n"
        "import kombu.transport.redis\n"
        "import levered_site.mcp.protocol\n"
        "from levered_site.management.commands import up"
    )

    loaded = list_loaded_modules(hide + start)

    assert {"pytest", "mypy"} <= hidden
    assert {"kombu", "optimizations"} <= loaded
