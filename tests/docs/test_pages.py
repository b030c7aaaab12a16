"""Pages can be read in a terminal, link to what exists, and stand in the index."""

import re

import pytest

from tests.support.code_blocks import FENCE, ROOT, find_pages

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
FOUND = [*find_pages(), *ROOT.glob("clients/*/*.md")]
PAGES = {str(page.relative_to(ROOT)): page for page in FOUND}
MAX_COLUMNS = 100


def _is_prose(line: str) -> bool:
    """Return whether a line can be wrapped: not a table, picture, formula or long word."""
    can_break = " " in line.strip()
    return can_break and not line.startswith(("|", "![", "    ", "Versions:"))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_prose_is_wrapped(name: str) -> None:
    lines = FENCE.sub("", PAGES[name].read_text()).splitlines()

    long = [line for line in lines if _is_prose(line) and len(line) > MAX_COLUMNS]

    assert long == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_to_files_that_exist(name: str) -> None:
    page = PAGES[name]

    links = [match.group(1) for match in LINK.finditer(page.read_text())]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_index_has_one_line_for_each_page() -> None:
    index = (ROOT / "docs/index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}

    listed = re.findall(r"^\| \[[^\]]+\]\(([a-z-]+\.md)\)", index, re.MULTILINE)

    assert sorted(listed) == sorted(pages)
