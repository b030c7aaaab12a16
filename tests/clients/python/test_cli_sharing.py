"""Share links by commands, against the real service."""

import csv
import io
from urllib.parse import urlsplit

import pytest

from optimizations.models import Optimization, ShareLink
from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)


def test_links_are_made_listed_and_revoked(
    terminal: Terminal, optimization: Optimization
) -> None:
    share = ("optimizations", "share")
    made = terminal.run(
        *(*share, "create", optimization.name, "--label", "Board"),
        *("--days", "7", "--json"),
    ).read()
    page = terminal.run(*share, "create", optimization.pk).out
    table = terminal.run(*share, "list", optimization.pk).out
    listed = terminal.run(*share, "list", optimization.pk, "--csv").out
    unconfirmed = terminal.run(*share, "revoke", optimization.pk, "Board")
    revoked = terminal.run(*share, "revoke", optimization.pk, "Board", "--yes")
    unknown = terminal.run(*share, "revoke", optimization.pk, "Board", "--yes")
    refused = terminal.run(*share, "create", optimization.pk, "--days", "8")

    assert urlsplit(made["url"]).path.startswith("/shared/lev_share_")
    assert "this is shown once" in page
    assert "Board" in table
    assert "lev_share_" not in table + listed
    labels = {row["label"] for row in csv.DictReader(io.StringIO(listed))}
    assert labels == {"Board", ""}
    assert unconfirmed.code == 1
    assert (revoked.code, revoked.out) == (0, "revoked\n")
    assert unknown.code == 4
    assert refused.code == 2
    assert ShareLink.objects.listed().get().label == ""
