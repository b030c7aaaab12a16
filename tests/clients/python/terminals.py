"""Terminals of people who are logged in."""

from pathlib import Path

from levered_site.organizations.models import Organization
from tests.support import factories
from tests.support.python_client import Terminal


def log_in(folder: Path, url: str, organization: Organization) -> Terminal:
    """Open the terminal of an admin."""
    terminal = Terminal(folder, {})
    token = factories.admin_token(organization)
    done = terminal.run("--env", "test", "login", "--url", url, stdin=token)
    assert done.code == 0, done.err
    return terminal
