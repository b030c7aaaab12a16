"""Where Postgres' texts in dollar quotes begin: `$$` and `$tag$` alone, never `$3`."""

import re

from sqlglot.dialects.postgres import Postgres
from sqlglot.tokenizer_core import TokenizerCore
from typing_extensions import override

QUOTE = re.compile(r"\$(?:[A-Za-z_\x80-\U0010FFFF][\w\x80-\U0010FFFF]*)?\$")


class _Core(TokenizerCore):
    __slots__ = ()

    @override
    def _scan_string(self, start: str) -> bool:
        """Read a `$` that begins no text as the sign of a parameter.

        sqlglot looks for the end of a text first, up to the end of the query. There it
        fails at a last `''`, and counts the lines on the way twice.
        """
        if start != "$" or QUOTE.match(self.sql, self._current - 1):
            return super()._scan_string(start)
        self._add(self.heredoc_string_alternative)
        return True


class ReadsDollarQuotes(Postgres.Tokenizer):
    """sqlglot's tokenizer of Postgres, which takes only a quote for one."""

    @override
    def _init_core(self) -> TokenizerCore:
        core = super()._init_core()
        # Its constructor has thirty arguments, all of which stay as they are.
        core.__class__ = _Core
        return core
