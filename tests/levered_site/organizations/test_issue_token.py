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


def test_the_printed_token_works() -> None:
    out = io.StringIO()

    call_command("issue_token", "--org", "org_demo", "--role", "admin", stdout=out)

    body = factories.read_body(factories.Api(out.getvalue().strip()).get("/me"))
    assert (body["organization"]["id"], body["role"]) == ("org_demo", "admin")


def test_the_error_names_clerk_if_it_is_configured(settings: Settings) -> None:
    settings.CLERK_ISSUER = "https://clerk.example"

    with pytest.raises(CommandError, match="Clerk"):
        call_command("issue_token", "--org", "org_demo")

    assert not Organization.objects.exists()


def test_the_error_says_what_to_do_without_a_database(tmp_path: Path) -> None:
    environment = {**os.environ, "LEVERED_HOME": str(tmp_path)}
    del environment["DATABASE_URL"]

    process = subprocess.run(
        [sys.executable, "manage.py", "issue_token"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1
    assert process.stderr.startswith(
        "CommandError: The database is unavailable. Start the"
    )
