"""Which texts may be an anonymous_id: one rule for serving and ingestion.

Erasure and look-ups do not use it, so that users stored before the rule stay in reach.
"""

import re
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
        "None",  # Python, from here on
        "nan",
    }
)
# URL libraries and browsers take them for steps in a path, also percent-encoded: the paths
# that read and erase such a user would lead elsewhere.
PATH_STEPS: Final = frozenset({".", ".."})
UNUSABLE_IDS: Final = PLACEHOLDER_IDS | PATH_STEPS
LENGTH_PROBLEM: Final = f"must be a string of 1 to {MAX_ANONYMOUS_ID_LENGTH} characters"
# In the order in which they are reported. Control characters are Unicode's category Cc: a
# line feed, for one, does not survive logs and URL routes.
PATTERN_PROBLEMS: Final = (
    (re.compile(r"\x00"), "must not contain a NUL character"),
    (re.compile(r"[\ud800-\udfff]"), "must not contain a lone surrogate"),
    (re.compile(r"\A\s*\Z"), "must not be blank: all visitors would be one user"),
    (
        re.compile(r"[\x00-\x1f\x7f-\x9f]"),
        "must not contain a control character such as a line feed",
    ),
)


def find_anonymous_id_problem(value: object) -> str | None:
    """Return what an anonymous_id must be instead; None if it may be recorded.

    It is a text of 1 to 256 characters, not only white space, without NUL, lone surrogates
    and control characters, and none of `PLACEHOLDER_IDS` (compared as they are printed)
    and `PATH_STEPS`.
    """
    if (
        isinstance(value, str)
        and value.isprintable()  # neither a control character nor a surrogate
        and 0 < len(value) <= MAX_ANONYMOUS_ID_LENGTH
        and value not in UNUSABLE_IDS
        and not value.isspace()
    ):
        return None
    return _find_problem(value)


def _find_problem(value: object) -> str | None:
    """Check step by step. Printable is stricter than the rule: no-break spaces are fine."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ANONYMOUS_ID_LENGTH:
        return LENGTH_PROBLEM
    for pattern, problem in PATTERN_PROBLEMS:
        if pattern.search(value):
            return problem
    if value in PATH_STEPS:
        return f"must not be `{value}`, which URLs drop from their paths"
    if value in PLACEHOLDER_IDS:
        return (
            f"must identify one user: a program prints `{value}` where it has no id, "
            "so all its visitors would be one user"
        )
    return None
