"""What Postgres reads otherwise than sqlglot, or not at all, and is refused by its tokens."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError

# Words that mean who asks, unless they are quoted or behind a dot.
SESSION_WORDS = frozenset(
    {"CURRENT_CATALOG", "CURRENT_ROLE", "CURRENT_SCHEMA", "SESSION_USER", "SYSTEM_USER", "USER"}
)  # fmt: skip
# A comma has something else than these on its sides.
BEFORE_COMMA = frozenset({"(", "[", ",", "BY", "DISTINCT", "FROM", "SELECT", "WHERE"})
AFTER_COMMA = frozenset(
    {
        ")", "]", "EXCEPT", "FETCH", "FROM", "GROUP", "HAVING", "INTERSECT", "LIMIT", "OFFSET",
        "ORDER", "UNION", "WHERE", "WINDOW",
    }
)  # fmt: skip
AFTER_NAME = frozenset({",", "AS", "FROM"})
QUOTED = frozenset({TokenType.IDENTIFIER, TokenType.STRING})
QUANTIFIERS = frozenset({"ALL", "ANY", "SOME"})
TRUTHS = frozenset({"FALSE", "NULL", "TRUE", "UNKNOWN"})
# Operators that bind closer than IN and IS. Behind such a comparison Postgres applies them to
# the whole of it, and sqlglot cannot read them.
CLOSE_OPERATORS = frozenset(
    {
        "||", "+", "-", "*", "/", "%", "^", "&", "|", "#", "<<", ">>", "->", "->>", "#>",
        "#>>", "AT", "COLLATE", "[",
    }
)  # fmt: skip


def refuse_other_syntax(sql: str, tokens: Sequence[Token]) -> None:
    """Raise RefusedError at what sqlglot reads in a meaning that Postgres does not have."""
    openings: list[int] = []  # positions of the open brackets
    limits: list[bool] = [False]  # whether a LIMIT stands before, in each open bracket
    for position, token in enumerate(tokens):
        word = _read_word(tokens, position)
        if word == "(":
            openings.append(position)
            limits.append(False)
        elif word == ")" and openings:
            limits.pop()
            _refuse_behind_list(tokens, openings.pop(), position)
        elif word == "LIMIT":
            limits[-1] = True
        elif word in {"UNION", "EXCEPT", "INTERSECT"}:
            limits[-1] = False
        elif word == ",":
            if limits[-1]:
                raise _refuse("LIMIT with two numbers", token, "LIMIT … OFFSET …")
            _refuse_lone_comma(tokens, position)
        _refuse_word(sql, tokens, position)


def _read_word(tokens: Sequence[Token], position: int) -> str:
    """Return a token in capitals; nothing for a name that is quoted, or behind a dot."""
    if not 0 <= position < len(tokens) or tokens[position].token_type in QUOTED:
        return ""
    before = tokens[position - 1] if position else None
    word = tokens[position].text.upper()
    is_name = before is not None and before.text.upper() in {".", "AS"}
    return "" if is_name and word.isidentifier() else word


def _refuse_word(sql: str, tokens: Sequence[Token], position: int) -> None:
    token, word = tokens[position], _read_word(tokens, position)
    following = tokens[position + 1] if position + 1 < len(tokens) else None
    if word in SESSION_WORDS:
        advice = f'the name itself, in quotes, or "{word.lower()}" for a column,'
        raise _refuse(f"function {token.text}", token, f"{advice} instead")
    if word == "==":
        raise _refuse("operator ==", token, "=")
    if following is None:
        return
    is_pair = token.token_type == following.token_type == TokenType.STRING
    if is_pair and "\n" not in sql[token.end + 1 : following.start]:
        raise _refuse("text behind a text", following, "|| between the two")
    _refuse_behind_truth(tokens, position)
    if following.token_type == TokenType.DCOLON:
        _refuse_cast_collation(tokens, position)


def _refuse_behind_truth(tokens: Sequence[Token], position: int) -> None:
    """Refuse `a IS TRUE::int` and `a ISNULL || b`."""
    word, before = _read_word(tokens, position), _read_word(tokens, position - 1)
    is_truth = before == "IS" or (
        before == "NOT" and _read_word(tokens, position - 2) == "IS"
    )
    if (is_truth and word in TRUTHS) or word in {"ISNULL", "NOTNULL"}:
        _refuse_close(tokens, position + 1, "(… IS …)")


def _refuse_behind_list(tokens: Sequence[Token], opening: int, closing: int) -> None:
    """Refuse `a NOT IN (7) || b`, and a cast of it or of `a = ANY (…)`."""
    word = _read_word(tokens, opening - 1)
    if word == "IN":
        _refuse_close(tokens, closing + 1, "(a IN (…))")
    elif word in QUANTIFIERS and _is_cast(tokens, closing + 1):
        _refuse_close(tokens, closing + 1, "(a = ANY (…))")


def _is_cast(tokens: Sequence[Token], position: int) -> bool:
    is_inside = position < len(tokens)
    return is_inside and tokens[position].token_type == TokenType.DCOLON


def _refuse_close(tokens: Sequence[Token], position: int, advice: str) -> None:
    """Refuse an operator that binds closer than the comparison before it."""
    if _is_cast(tokens, position):
        raise _refuse_cast(tokens[position], f"{advice}::type")
    word = _read_word(tokens, position)
    if word in CLOSE_OPERATORS:
        advice = f"brackets around the comparison, as in {advice} {word} …"
        name = f"operator {word} behind a comparison"
        raise _refuse(name, tokens[position], advice)


def _refuse_cast_collation(tokens: Sequence[Token], position: int) -> None:
    """Refuse `a COLLATE "C"::text`, by the token before the cast."""
    before = _read_word(tokens, position - 1)
    cast = tokens[position + 1]
    has_schema = position > 1 and tokens[position - 1].text == "."
    if "COLLATE" in {before, _read_word(tokens, position - 3) if has_schema else ""}:
        raise _refuse_cast(cast, '(… COLLATE "C")::type')


def _refuse_lone_comma(tokens: Sequence[Token], position: int) -> None:
    is_last = position + 1 == len(tokens)
    word, behind = (_read_word(tokens, position + ahead) for ahead in (1, 2))
    if word in AFTER_COMMA and word.isidentifier() and behind in AFTER_NAME:
        following = tokens[position + 1]
        raise RefusedError(
            f"The word {following.text} is no name{write_line(following.line)}: write it in"
            f' quotes, "{following.text}".'
        )
    if (
        is_last
        or _read_word(tokens, position - 1) in BEFORE_COMMA
        or _read_word(tokens, position + 1) in AFTER_COMMA
    ):
        raise RefusedError(
            f"A comma has nothing before or behind it{write_line(tokens[position].line)}:"
            " remove it."
        )


def _refuse_cast(token: Token, advice: str) -> RefusedError:
    return _refuse("cast :: of a whole comparison", token, f"brackets, as in {advice}")


def _refuse(name: str, token: Token, advice: str) -> RefusedError:
    return RefusedError(
        f"The {name} is not allowed{write_line(token.line)}: write {advice}."
    )
