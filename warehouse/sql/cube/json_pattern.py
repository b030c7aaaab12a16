"""A regular expression of JSON that Postgres can store, for servers that cannot tell.

Postgres can test a text for JSON from version 16 on. Before, the cast of one text that is
no JSON fails the whole statement.
"""

# Objects and lists within each other. Deeper JSON counts as no JSON on these servers.
MAX_DEPTH = 3

SPACE = r"[ \t\n\r]*"
# No lone surrogate and no NUL: jsonb refuses them.
ESCAPE = (
    r"\\(?:[\"\\/bfnrt]|u(?!0000)(?:[0-9A-Ca-cEFef][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2})"
    r"|u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})"
)
STRING = rf'"(?:[^"\\\u0001-\u001f]|{ESCAPE})*"'
# The size is what `numeric` holds in any case.
NUMBER = r"-?(?:0|[1-9][0-9]{0,200})(?:\.[0-9]{1,200})?(?:[eE][-+]?[0-9]{1,3})?"
SCALAR = f"{STRING}|{NUMBER}|true|false|null"


def _build_value_pattern(depth: int) -> str:
    """Return the pattern of a value with at most `depth` levels below it."""
    if depth == 0:
        return f"(?:{SCALAR})"
    inner = _build_value_pattern(depth - 1)
    return f"(?:{SCALAR}|{_build_object_pattern(inner)}|{_build_list_pattern(inner)})"


def _build_object_pattern(value: str) -> str:
    # A comma is followed by another pair, which begins with a quote.
    pair = f"{STRING}{SPACE}:{SPACE}{value}{SPACE}"
    return rf'\{{{SPACE}(?:{pair}(?:,{SPACE}(?=")|(?=\}})))*\}}'


def _build_list_pattern(value: str) -> str:
    return rf"\[{SPACE}(?:{value}{SPACE}(?:,{SPACE}(?=[^\]])|(?=\])))*\]"


# Of a whole text that is a JSON object. Nothing else is a variant or a context.
JSON_OBJECT_PATTERN = (
    f"^{SPACE}{_build_object_pattern(_build_value_pattern(MAX_DEPTH - 1))}{SPACE}$"
)
