"""Fills in the simplest Jinja of dbt: names of tables, defaults, and a first run."""

import re

CALL = r"\s*\(\s*(.*?)\s*\)\s*-?\}\}"
ARGUMENT = re.compile(r"""(['"])(.*?)\1""")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
CONFIGURATION = re.compile(r"\{\{-?\s*config" + CALL, re.DOTALL)
REFERENCE = re.compile(r"\{\{-?\s*(?:ref|source)" + CALL, re.DOTALL)
VARIABLE = re.compile(r"\{\{-?\s*var" + CALL, re.DOTALL)
ITSELF = re.compile(r"\{\{-?\s*this\s*-?\}\}")
NAME = re.compile(r"(?:\{\{-?|\$\{)\s*([A-Za-z_]\w*)\s*(?:-?\}\}|\})")
# A block without blocks inside it, so that the innermost ones are filled in first.
INCREMENTAL = re.compile(
    r"\{%-?\s*if\s+is_incremental\s*\(\s*\)\s*-?%\}((?:(?!\{%).)*)"
    r"(?:\{%-?\s*else\s*-?%\}((?:(?!\{%).)*))?\{%-?\s*endif\s*-?%\}",
    re.DOTALL,
)


def fill_in(text: str) -> str:
    """Return the text with its simplest templates filled in; lines keep their numbers.

    A table's name becomes `dbt.name`, or `source.name`. A variable becomes its default,
    a name alone becomes that name, and what only a later run adds is left out. Other
    templates stay.
    """
    text = COMMENT.sub(_blank, text)
    text = CONFIGURATION.sub(_blank, text)
    text = REFERENCE.sub(_write_table, text)
    text = VARIABLE.sub(_write_default, text)
    text = ITSELF.sub("dbt.this", text)
    text = NAME.sub(r"\1", text)
    return INCREMENTAL.sub(_keep_first_run, text)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _write_table(match: re.Match[str]) -> str:
    names = [argument[1] for argument in ARGUMENT.findall(match[1])]
    return ".".join(["dbt", *names][-2:]) if names else match[0]


def _write_default(match: re.Match[str]) -> str:
    arguments = ARGUMENT.findall(match[1])
    return arguments[1][1] if len(arguments) == 2 else match[0]


def _keep_first_run(match: re.Match[str]) -> str:
    before, kept, after = match[1], match[2], ""
    if kept is None:
        return "\n" * match[0].count("\n")
    return "\n" * before.count("\n") + kept + after
