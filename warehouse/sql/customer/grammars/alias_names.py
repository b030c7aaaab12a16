"""Names behind AS or without it: sqlglot takes more for one than the dialects do."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import ADVICE, UNFINISHED, write_line
from warehouse.sql.customer.refusal import RefusedError

NO_NAMES = frozenset({TokenType.NUMBER, TokenType.STRING})
BEFORE_NAME = frozenset({TokenType.COMMA, TokenType.L_PAREN})
# Words that belong to the call before them, and need something behind them.
AFTER_CALL = frozenset({"FILTER", "WITHIN"})


class RefusesAliases(Parser):
    """A parser that raises RefusedError at an alias that the dialect would not read."""

    # Words that name a column only behind AS.
    NEEDS_AS: ClassVar[frozenset[str]] = frozenset()
    HAS_COLUMN_LISTS: ClassVar[bool] = True  # as in `FROM (VALUES …) AS t (a, b)`
    SAMPLE_ADVICE: ClassVar[str] = ADVICE["TABLESAMPLE"]

    def _parse_table_alias(
        self, *arguments: Any, **options: Any
    ) -> exp.TableAlias | None:
        start = self._index
        alias: exp.TableAlias | None = super()._parse_table_alias(*arguments, **options)
        if alias:
            self._refuse_list(self._tokens[start : self._index])
        return alias

    def _refuse_list(self, tokens: Sequence[Token]) -> None:
        """Refuse `t (10)`, and `t (a)` where the dialect has no such lists."""
        opening = next((token for token in tokens if token.text == "("), None)
        if opening is None:
            return
        written = self.sql[opening.start : tokens[-1].end + 1][:60]
        names = [token for token in tokens if token.start < opening.start]
        name, line = names[-1].text if names else "the table", write_line(opening.line)
        has_value = _holds_value(tokens)
        if has_value and name.upper() == "SAMPLE":
            raise RefusedError(
                f"The clause {name} is not allowed{line}: write {self.SAMPLE_ADVICE}"
                " instead."
            )
        if has_value:
            raise RefusedError(
                f"The list {written} behind {name} is no list of names{line}: write"
                f" {name} alone, or names of columns in the brackets."
            )
        if not self.HAS_COLUMN_LISTS:
            raise RefusedError(
                f"The list {written} behind {name} is not read{line}: write {name} alone,"
                " and AS behind each column that it selects."
            )

    def _parse_alias(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        start = self._index
        node: exp.Expr | None = super()._parse_alias(*arguments, **options)
        if isinstance(node, exp.Alias) and self._index > start:
            self._refuse_name(self._tokens[start], self._prev)
        return node

    def _refuse_name(self, first: Token, name: Token) -> None:
        word, line = name.text.upper(), write_line(name.line)
        if name.token_type == TokenType.NUMBER:
            raise RefusedError(
                f"The number {name.text} is no name{line}: write a name behind AS, or the"
                " comma or operator that is missing before it."
            )
        is_bare = first is name and name.token_type != TokenType.IDENTIFIER
        if not is_bare or word not in self.NEEDS_AS:
            return
        if word in AFTER_CALL:
            raise RefusedError(UNFINISHED.format(word=word, line=line))
        raise RefusedError(
            f"The word {name.text} is no name without AS{line}: write AS {name.text}."
        )


def _holds_value(tokens: Sequence[Token]) -> bool:
    """Return whether a list holds a number or text in the place of a name."""
    depth = 0  # `numeric(5, 2)` is the type of a column
    for before, token in pairwise(tokens):
        depth += (before.text == "(") - (before.text == ")")
        is_first = depth == 1 and before.token_type in BEFORE_NAME
        if is_first and token.token_type in NO_NAMES:
            return True
    return False
