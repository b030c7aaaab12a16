"""Options that many commands have, and how their texts are read."""

import json
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
        return json.loads(text)
    except ValueError:
        return text


def read_levels(pairs: Sequence[str]) -> list[dict[str, Any]]:
    """Read `name=one,two` texts, or `name=["one, more", "two"]`, as factors.

    Levels of a JSON list keep their type: `price=[9.99, 19.99]` are numbers.
    """
    factors = []
    for name, value in read_pairs(pairs).items():
        levels = value if isinstance(value, list) else str(value).split(",")
        factors.append({"name": name, "levels": levels})
    return factors


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
