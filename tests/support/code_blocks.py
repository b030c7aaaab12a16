"""The fenced code blocks of the pages that people copy from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One fenced block: `page` is its path below the root, `line` counts from 1."""

    page: str
    line: int
    language: str
    text: str

    @property
    def first_line(self) -> str:
        """Return what identifies the block to a reader."""
        return self.text.splitlines()[0]


def find_pages() -> list[Path]:
    """List README and its sisters, and every page below docs/."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def find_blocks() -> Iterator[CodeBlock]:
    """Find every fenced block of every page, in order."""
    for page in find_pages():
        text = page.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            name = str(page.relative_to(ROOT))
            yield CodeBlock(name, line, match.group(1), match.group(2))
