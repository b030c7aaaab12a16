"""Which texts may be an anonymous_id: one rule for serving and ingestion.

Erasure and look-ups do not use it, so that users stored before the rule stay in reach.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH

# What a program prints for an id that it does not have. All its visitors would be one user.
PLACEHOLDER_IDS: Final = frozenset(
    {
        "undefined",  # JavaScript, from here on
        "null",
        "NaN",
        "[object Object]",
        "[object Promise]",
        "[object Null]",
        "[object Undefined]",
        "None",  # Python, from here on
        "nan",
        "nil",  # Ruby, Swift and Lua
        "<nil>",  # Go
        "(null)",  # C and Objective-C, from here on
        "<null>",
    }
)
# URL libraries and browsers take them for steps in a path, also percent-encoded: the paths
# that read and erase such a user would lead elsewhere.
PATH_STEPS: Final = frozenset({".", ".."})
UNUSABLE_IDS: Final = PLACEHOLDER_IDS | PATH_STEPS
# Letters and marks that look blank: fillers of Hangul, the empty pattern of Braille, and
# marks that change only a character before them.
BLANK_LETTERS: Final = "".join(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x1D159),
            *(0x180B, 0x180C, 0x180D, 0x180F),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
BLANK_PROBLEM: Final = (
    "must not be blank: it has no visible character, so all visitors would be one user"
)
LENGTH_PROBLEM: Final = f"must be a string of 1 to {MAX_ANONYMOUS_ID_LENGTH} characters"
# In the order in which they are reported. Control characters are Unicode's category Cc: a
# line feed, for one, does not survive logs and URL routes.
PATTERN_PROBLEMS: Final = (
    (re.compile(r"\x00"), "must not contain a NUL character"),
    (re.compile(r"[\ud800-\udfff]"), "must not contain a lone surrogate"),
)
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
CONTROL_PROBLEM: Final = "must not contain a control character such as a line feed"
_PRINTABLE_BLANKS: Final = f" {BLANK_LETTERS}"


def find_anonymous_id_problem(value: object) -> str | None:
    """Return what an anonymous_id must be instead; None if it may be recorded.

    It is a text of 1 to 256 characters, one of them visible, without NUL, lone surrogates
    and control characters, and none of `PLACEHOLDER_IDS` (compared as they are printed)
    and `PATH_STEPS`.
    """
    if (
        isinstance(value, str)
        and value.isprintable()  # neither a control character nor a surrogate
        and 0 < len(value) <= MAX_ANONYMOUS_ID_LENGTH
        and value not in UNUSABLE_IDS
        and value.strip(_PRINTABLE_BLANKS)
    ):
        return None
    return _find_problem(value)


def are_plain_ids(values: Sequence[str]) -> bool:
    """Return whether all of at least one value are ids of visible ASCII characters.

    A quick check of many: False says nothing about any of them. Raises TypeError for what
    is no text.
    """
    joined = "".join(values)
    lengths = list(map(len, values))
    return (
        joined.isascii()
        and joined.isprintable()
        and " " not in joined
        and min(lengths) > 0
        and max(lengths) <= MAX_ANONYMOUS_ID_LENGTH
        and UNUSABLE_IDS.isdisjoint(values)
    )


def _find_problem(value: object) -> str | None:
    """Check step by step. Printable is stricter than the rule: no-break spaces are fine."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ANONYMOUS_ID_LENGTH:
        return LENGTH_PROBLEM
    for pattern, problem in PATTERN_PROBLEMS:
        if pattern.search(value):
            return problem
    if all(map(_is_blank, value)):
        return BLANK_PROBLEM
    if _CONTROL_CHARACTER.search(value):
        return CONTROL_PROBLEM
    return _find_unusable_text(value)


def _find_unusable_text(value: str) -> str | None:
    if value in PATH_STEPS:
        return f"must not be `{value}`, which URLs drop from their paths"
    if value in PLACEHOLDER_IDS:
        return (
            f"must identify one user: a program prints `{value}` where it has no id, "
            "so all its visitors would be one user"
        )
    return None


def _is_blank(character: str) -> bool:
    """Return whether a character is a separator (Z*), invisible (C*) or looks blank."""
    return unicodedata.category(character)[0] in "ZC" or character in BLANK_LETTERS
