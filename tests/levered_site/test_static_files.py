"""Static files: pages name each with its version, and browsers keep it for a day."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse

from levered_site import static_files

FILE = re.compile(r'(?:href|src)="(/static/[^"]+)"')
DAY = 24 * 60 * 60


@pytest.mark.django_db
def test_every_file_of_a_page_has_a_version_and_is_kept_for_a_day(
    client: Client,
) -> None:
    addresses = FILE.findall(client.get(reverse("admin:login")).content.decode())

    assert len(addresses) > 8
    for address in addresses:
        answer = client.get(address)
        answer.close()
        assert re.search(r"\?v=[0-9a-f]{12}$", address), address
        assert (answer.status_code, answer["Cache-Control"]) == (
            200,
            f"max-age={DAY}, public",
        )


def test_the_version_is_that_of_the_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So an upgrade changes the address exactly where it changes the file."""
    file = tmp_path / "admin.css"
    monkeypatch.setattr(finders, "find", lambda _name: str(file))
    versions = []
    for text in ("a { }", "b { }", "a { }"):
        file.write_text(text)
        static_files.find_version.cache_clear()
        versions.append(static_files.find_version("admin.css"))
    static_files.find_version.cache_clear()

    assert versions[0] == versions[2] != versions[1]


def test_a_file_that_there_is_not_has_no_version() -> None:
    assert static("levered_admin/nothing.css") == "/static/levered_admin/nothing.css"
