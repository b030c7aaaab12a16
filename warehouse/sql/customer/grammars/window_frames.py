"""Windows and their frames that are not written to the end: sqlglot fills in the rest."""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import UNFINISHED, write_line
from warehouse.sql.customer.refusal import RefusedError

# Words that are no name of a window, and need something behind them.
LONE = frozenset({"GROUPS", "PARTITION", "RANGE", "ROWS"})
SIDES = frozenset({"FOLLOWING", "PRECEDING"})


class RefusesUnfinishedWindows(Parser):
    """A parser that raises RefusedError at a window or frame with a part missing."""

    # Whether `WINDOW a AS b` may name another window.
    NAMES_WINDOWS: ClassVar[bool] = False

    def _parse_named_window(self) -> exp.Expr | None:
        self._require_definition()
        window: exp.Expr | None = super()._parse_named_window()
        return window

    def _parse_window(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        window: exp.Expr | None = super()._parse_window(*arguments, **options)
        if isinstance(window, exp.Window) and self._prev.token_type == TokenType.OVER:
            raise _refuse_end(self._prev)
        opening, word, closing = self._tokens[self._index - 3 : self._index]
        is_lone = opening.text == "(" and closing.text == ")"
        if isinstance(window, exp.Window) and is_lone and word.text.upper() in LONE:
            raise _refuse_end(word)
        return window

    def _require_definition(self) -> None:
        """Require AS and brackets behind the name in WINDOW w AS (…)."""
        name, *behind = self._tokens[self._index : self._index + 3]
        words = [token.text for token in behind]
        if words[1:] == ["("] or (words[1:] and self.NAMES_WINDOWS):
            return
        window = words[1] if words[1:] and words[1].isidentifier() else "…"
        raise RefusedError(
            f"The window {name.text} is not defined{write_line(name.line)}: write"
            f" {name.text} AS ({window})."
        )

    def _parse_window_spec(self) -> dict[str, Any]:
        first = self._prev
        is_late = first.text.upper() != "AND"
        bound: dict[str, Any] = super()._parse_window_spec()
        last = self._prev
        if not bound["value"]:
            raise _refuse_end(last)
        if bound["value"] != "CURRENT ROW" and last.text.upper() not in SIDES:
            raise RefusedError(
                f"A bound of the frame has no direction{write_line(last.line)}: write"
                f" PRECEDING or FOLLOWING behind {last.text}, or CURRENT ROW."
            )
        is_between = first.token_type == TokenType.BETWEEN
        if is_between and not self._match(TokenType.AND, advance=False):
            raise RefusedError(
                f"The frame BETWEEN has no end{write_line(last.line)}: write AND CURRENT"
                f" ROW behind {last.text}, or leave BETWEEN out."
            )
        if is_late and not is_between and self._match(TokenType.AND, advance=False):
            raise RefusedError(
                f"The frame has two bounds{write_line(last.line)}: write {first.text}"
                " BETWEEN … AND …."
            )
        return bound


def _refuse_end(token: Token) -> RefusedError:
    word = " ".join(token.text.upper().split())
    return RefusedError(UNFINISHED.format(word=word, line=write_line(token.line)))
