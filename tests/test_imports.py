"""What may be loaded where, seen from fresh interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def loaded_after(statements: str) -> set[str]:
    """Run statements in a fresh interpreter; the top-level modules it then holds."""
    program = (
        f"{statements}\nimport sys\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "cellar", ["models_app.bandit", "metrics.stats", "warehouse.sql"]
)
def test_a_cellar_needs_no_framework(cellar: str) -> None:
    """Every module of the three pure rooms is imported, not the package alone."""
    everything = (
        "import importlib, pkgutil\n"
        f"room = importlib.import_module({cellar!r})\n"
        f"for each in pkgutil.walk_packages(room.__path__, {cellar + '.'!r}):\n"
        "    importlib.import_module(each.name)"
    )

    loaded = loaded_after(everything)

    assert cellar.split(".", maxsplit=1)[0] in loaded
    assert not loaded & {"django", "rest_framework", "celery", "redis", "psycopg"}


def test_a_web_process_loads_neither_scipy_nor_sklearn() -> None:
    """The whole URLconf is resolved, the admin and the schema generator included."""
    web = (
        "from levered_site.wsgi import application\n"
        "from django.urls import get_resolver\n"
        "from django.contrib import admin\n"
        "assert len(get_resolver().reverse_dict) > 20\n"
        "admin.autodiscover()"
    )

    loaded = loaded_after(web)

    assert {"django", "numpy", "optimizations"} <= loaded
    assert not loaded & {"scipy", "sklearn"}
