"""`manage.py issue_token`."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from levered_site.organizations.models import Organization
from tests.support import factories

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


def test_it_prints_a_token_that_works() -> None:
    out = io.StringIO()

    call_command("issue_token", "--org", "org_demo", "--role", "admin", stdout=out)

    body = factories.read_body(factories.Api(out.getvalue().strip()).get("/me"))
    assert (body["organization"]["id"], body["role"]) == ("org_demo", "admin")


def test_it_says_that_clerk_is_configured(settings: Settings) -> None:
    settings.CLERK_ISSUER = "https://clerk.example"

    with pytest.raises(CommandError, match="Clerk"):
        call_command("issue_token", "--org", "org_demo")

    assert not Organization.objects.exists()


def test_it_says_what_to_do_where_the_database_is_away(tmp_path: Path) -> None:
    known = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}

    done = subprocess.run(
        [sys.executable, "manage.py", "issue_token"],
        cwd=ROOT,
        env=known | {"LEVERED_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The database is away. Start the")
