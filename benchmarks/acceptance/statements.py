"""Finds the statements in files of SQL, and tells which of them count."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from benchmarks.acceptance import templates

FENCE = re.compile(
    r"^([ \t]*)```[ \t]*sql[^\n]*\n(.*?)^\1```",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
TEMPLATE = re.compile(r"\{\{|\{%|\$\{")
READS = frozenset({"SELECT", "WITH", "(", "FROM"})
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"})
# Statements that give other statements of their file a meaning: variables, functions and
# tables of the session, blocks.
SCRIPT = re.compile(
    r"(DECLARE|SET|BEGIN|CALL|EXECUTE|IF|LOOP|WHILE|FOR|DO|PREPARE|DELIMITER"
    r"|CREATE( OR REPLACE)?( TEMP| TEMPORARY)( FUNCTION| TABLE| VIEW)?"
    r"|CREATE( OR REPLACE)?( TABLE)? FUNCTION|CREATE( OR REPLACE)? PROCEDURE)\b"
)
# Why a statement does not count.
IS_TEMPLATE, IS_SCRIPT, IS_NO_READ = "a template", "part of a script", "no read"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file; `excluded` says why it does not count, or is None."""

    path: Path
    line: int
    text: str
    excluded: str | None = None


def find_statements(folder: Path, dialect: str) -> list[Statement]:
    """Return the different statements below a folder, in the order of their files.

    They stand in files that end in .sql, and in the ```sql blocks of Markdown. A text
    that comes twice, but for its white space, counts once.
    """
    found: dict[str, Statement] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in {".sql", ".md"}:
            for statement in _read_file(path, dialect):
                found.setdefault(" ".join(statement.text.split()), statement)
    return list(found.values())


def _read_file(path: Path, dialect: str) -> Iterator[Statement]:
    text = path.read_text(errors="replace").lstrip("\ufeff")
    if path.suffix.lower() == ".sql":
        yield from _split(Statement(path, 1, templates.fill_in(text)), dialect)
        return
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start(2)) + 1
        filled_in = templates.fill_in(block[2])
        yield from _split(Statement(path, line, filled_in), dialect)


def _split(whole: Statement, dialect: str) -> Iterator[Statement]:
    """Yield the statements of a text; a text that has no tokens is one statement."""
    if TEMPLATE.search(whole.text):
        yield replace(whole, excluded=IS_TEMPLATE)
        return
    try:
        tokens = sqlglot.tokenize(whole.text, dialect=dialect)
    except SqlglotError:
        yield whole
        return
    parts = _part(tokens)
    is_script = any(SCRIPT.match(_write_words(part)) for part in parts)
    for part in parts:
        line = whole.line + whole.text.count("\n", 0, part[0].start)
        text = whole.text[part[0].start : part[-1].end + 1]
        is_read = _is_read(part)
        excluded = (IS_SCRIPT if is_script else None) if is_read else IS_NO_READ
        yield Statement(whole.path, line, text, excluded)


def _part(tokens: list[Token]) -> list[list[Token]]:
    """Return the tokens between semicolons."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _write_words(tokens: list[Token]) -> str:
    return " ".join(token.text.upper() for token in tokens[:5])


def _is_read(tokens: list[Token]) -> bool:
    """Return whether a statement begins as a query, and writes nothing at its top."""
    if tokens[0].text.upper() not in READS:
        return False
    depth = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (
            token.token_type == TokenType.R_PAREN
        )
        is_word = token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}
        if depth == 0 and is_word and token.text.upper() in WRITES:
            return False
    return True
