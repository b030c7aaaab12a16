"""The option --watch, which takes seconds or none."""

import math
from typing import Any

import click

from levered.cli.options import Command

WATCH, SECONDS, LONGEST = "--watch", 10, 86_400


class WatchingCommand(click.Command):
    """A command whose `--watch` may stand without a number."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; `--watch` alone is every ten seconds."""
        told = [
            f"{WATCH}={SECONDS}" if arg == WATCH and not _is_number(following) else arg
            for arg, following in zip(args, [*args[1:], ""], strict=True)
        ]
        return super().parse_args(ctx, told)


def watching(command: Command) -> Command:
    """Add --watch, for a WatchingCommand."""
    return click.option(
        WATCH,
        type=float,
        callback=_check_seconds,
        metavar="[SECONDS]",
        help=f"Show again and again, until Ctrl-C; each {SECONDS} s if not told.",
    )(command)


def _check_seconds(
    _context: click.Context, _parameter: click.Parameter, value: Any
) -> Any:
    if value is not None and not 0 < value <= LONGEST:
        raise click.BadParameter(f"give seconds, more than 0 and up to {LONGEST}")
    return value


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
