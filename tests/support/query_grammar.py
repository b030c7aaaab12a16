"""Draws queries by a grammar: most are valid and read tables, some must be refused."""

from dataclasses import dataclass

from hypothesis import strategies as st


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a query is made of: pieces that may stand in it, and those that may not.

    `tables` and `rows` stand in FROM, `scalars` among the columns. `foreign` are what FROM
    must not read, `refused` what no column may be.
    """

    tables: tuple[str, ...]
    rows: tuple[str, ...]
    foreign: tuple[str, ...]
    scalars: tuple[str, ...]
    refused: tuple[str, ...]


def _draw_mostly(draw: st.DrawFn, good: tuple[str, ...], bad: tuple[str, ...]) -> str:
    """Draw a piece, one time in 40 of those that must be refused."""
    pieces = good if draw(st.sampled_from([True] * 39 + [False])) else bad
    return draw(st.sampled_from(pieces))


@st.composite
def query_texts(
    draw: st.DrawFn, pieces: Pieces, depth: int = 2, named: tuple[str, ...] = ()
) -> str:
    """Write a query of the pieces; it may read the WITH queries `named`."""

    def inner(often: int) -> str | None:
        nested = depth > 0 and draw(st.sampled_from([True, *[False] * often]))
        return f"({draw(query_texts(pieces, depth - 1, named))})" if nested else None

    def source() -> str:
        nested = inner(2)
        rows = (*pieces.tables * 2, *named, draw(st.sampled_from(pieces.rows)))
        return f"{nested} AS x" if nested else _draw_mostly(draw, rows, pieces.foreign)

    def scalar() -> str:
        return _draw_mostly(draw, pieces.scalars, pieces.refused)

    words: list[str] = []
    if common := inner(2):
        name = draw(st.sampled_from(["a", "b"]))
        words, named = ["WITH", name, "AS", common], (*named, name)
    words += ["SELECT", inner(5) or scalar()]
    words += draw(st.sampled_from([[], [",", scalar()]]))
    words += ["FROM", source()]
    if draw(st.booleans()):
        words += ["JOIN", source(), "ON", scalar(), "= 'x'"]
    for clause in ("WHERE EXISTS", "UNION ALL"):
        if nested := inner(5):
            words += [clause, nested]
    return " ".join(words)
