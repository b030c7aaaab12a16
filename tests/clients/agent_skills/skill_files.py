"""The skills, and the commands and calls that they name."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.code_blocks import FENCE, ROOT

FOLDER = ROOT / "clients" / "agent-skills"
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
PROGRAM = "levered"


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill: `name` is its folder's, `text` what follows the front matter."""

    name: str
    path: Path
    front_matter: dict[str, str]
    text: str

    @property
    def prose(self) -> str:
        """Return the text without its fenced blocks."""
        return FENCE.sub("", self.text)

    def find_blocks(self, language: str) -> list[str]:
        """Return the fenced blocks of a language, in order."""
        return [text for found, text in FENCE.findall(self.text) if found == language]

    def find_inline_code(self) -> list[str]:
        """Return the inline code of the prose, each on one line."""
        return [" ".join(code.split()) for code in INLINE.findall(self.prose)]


def read_skill(path: Path) -> Skill:
    """Read a SKILL.md. Raises AssertionError without front matter."""
    text = path.read_text()
    match = FRONT_MATTER.match(text)
    assert match, f"{path} has no front matter"
    pairs = (line.partition(": ") for line in match.group(1).splitlines())
    front_matter = {name: value for name, _, value in pairs}
    return Skill(path.parent.name, path, front_matter, text[match.end() :])


def find_skills() -> list[Skill]:
    """Read every skill, by name."""
    return [read_skill(path) for path in sorted(FOLDER.glob("*/SKILL.md"))]


def parse_commands(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each `levered` in a line of shell, redirections left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    command: list[str] = []
    for token in [*lexer, ";"]:
        if set(token) <= set("|;&<>"):
            if command[:1] == [PROGRAM]:
                yield command[1:]
            command = []
        else:
            command.append(token)


def find_commands_of_blocks(skill: Skill) -> list[list[str]]:
    """Return the arguments of every `levered` of the blocks, in their order."""
    lines = [line for block in skill.find_blocks("sh") for line in block.splitlines()]
    return [found for line in lines for found in parse_commands(line)]


def find_commands(skill: Skill) -> list[list[str]]:
    """Return the arguments of every `levered` of the blocks and the inline code."""
    inline = [code for code in skill.find_inline_code() if code.startswith("levered ")]
    found = [each for code in inline for each in parse_commands(code)]
    return [*find_commands_of_blocks(skill), *found]
