"""Options that many commands have, and how their texts are read."""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from levered.cli.session import Session

OUTPUT = "levered.output"
UNSET: tuple[object, ...] = (None, False, "", ())
Command = TypeVar("Command", bound=Callable[..., Any])


def printing(*, rows: bool = False) -> Callable[[Command], Command]:
    """Add --json, and --csv where there are rows."""

    def decorate(command: Command) -> Command:
        if rows:
            command = click.option(
                "--csv",
                is_flag=True,
                is_eager=True,  # --section asks for it
                expose_value=False,
                callback=_set_output,
                help="Print rows as CSV.",
            )(command)
        return click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=_set_output,
            help="Print the API's document.",
        )(command)

    return decorate


def section_option(*sections: str) -> Callable[[Command], Command]:
    """Add --section, which chooses among the rows that --csv may print."""

    def check(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        session = context.find_object(Session)
        if value is not None and session is not None and session.output != "csv":
            raise click.UsageError("--section chooses rows of CSV: add --csv")
        return value

    return click.option(
        "--section",
        type=click.Choice(sections),
        callback=check,
        help=f"Which rows --csv prints; {sections[0]} if not told.",
    )


def _set_output(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    session = context.find_object(Session)
    if not value or session is None or not parameter.name:
        return
    chosen = context.meta.setdefault(OUTPUT, parameter.name)
    if chosen != parameter.name:
        raise click.UsageError("--json and --csv cannot be combined")
    session.output = parameter.name


def refuse_together(**options: object) -> None:
    """Raise UsageError if more than one of the options is given."""
    given = [f"--{name}" for name, value in options.items() if value not in UNSET]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} cannot be combined")


def read_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts; a value is JSON where it is, otherwise text.

    Raise BadParameter for one without `=`.
    """
    read = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} must be name=value")
        read[name] = read_value(text)
    return read


def read_value(text: str) -> Any:
    """Return JSON where a text is some, otherwise the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # Python reads NaN and 1e999, which are no JSON and cannot be sent.
    is_number = isinstance(value, float)
    return text if is_number and not math.isfinite(value) else value


def read_levels(pairs: Sequence[str]) -> list[dict[str, Any]]:
    """Read `name=one,two` texts, or `name=["one, more", "two"]`, as factors.

    Raise BadParameter for one without `=`, and for a factor that is told twice.
    """
    factors: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        read_pairs([pair])
        if name in factors:
            raise click.BadParameter(f"{name} is told twice")
        value = read_value(text)
        levels = value if isinstance(value, list) else split_levels(text)
        factors[name] = {"name": name, "levels": levels}
    return list(factors.values())


def split_levels(text: str) -> list[Any]:
    r"""Split levels at commas, but not at `\,`, which is a comma of the level.

    Levels that are all numbers, or all true and false, are no texts. A number that
    would read in another way, such as 1.10 or 007, is one.
    """
    texts = [each.replace(r"\,", ",") for each in re.split(r"(?<!\\),", text)]
    values = [read_value(each) for each in texts]
    is_exact = [json.dumps(value) for value in values] == texts
    types = {type(value) for value in values}
    is_typed = types <= {int, float} or types == {bool}
    return values if is_exact and is_typed else texts


def is_source(text: str) -> bool:
    """Return whether a text names a file or the input, for `read_text`."""
    return text == "-" or text.startswith("@")


def read_text(source: str) -> str:
    """Return a text: itself, of a file by @name, or of the input by `-`."""
    if source == "-":
        return sys.stdin.read()
    if source.startswith("@"):
        try:
            return Path(source[1:]).read_text()
        except OSError as error:
            raise click.BadParameter(f"{source[1:]}: {error.strerror}") from error
    return source


def read_document(source: str) -> dict[str, Any]:
    """Return a JSON object of a file, or of the input by `-`.

    Raise BadParameter if it is none.
    """
    try:
        document = json.loads(read_text(source if source == "-" else f"@{source}"))
    except ValueError as error:
        raise click.BadParameter(f"{source} is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise click.BadParameter(f"{source} must hold a JSON object")
    return dict(document)
