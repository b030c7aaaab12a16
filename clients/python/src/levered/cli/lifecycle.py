"""Commands: optimizations launch, ship, pause, resume, stop, archive, unarchive, delete."""

import sys
from collections.abc import Callable

import click

from levered.cli.options import printing
from levered.cli.session import Session
from levered.errors import ApiError


@click.command("ship")
@click.argument("optimization")
@click.option("--confirm", is_flag=True, help="In spite of reasons to hesitate.")
@printing()
@click.pass_obj
def ship_optimization(session: Session, optimization: str, *, confirm: bool) -> None:
    """Serve the leading variants to everybody.

    Where the figures cannot be trusted, or a guardrail is violated, the reasons are
    printed and asked about. Without a terminal this fails with exit code 5.
    """
    name = session.find_optimization(optimization)
    try:
        shipped = session.client.optimizations.ship(name, confirm=confirm)
    except ApiError as error:
        if error.status != 409 or not _has_reasons(error):
            raise
        _print_reasons(error)
        if not sys.stdin.isatty():
            click.echo("Ship anyway with --confirm.", err=True)
            raise click.exceptions.Exit(5) from error
        click.confirm("Ship anyway?", abort=True, err=True)
        shipped = session.client.optimizations.ship(name, confirm=True)
    session.say(f"shipped {shipped['name']}", shipped)


def _has_reasons(error: ApiError) -> bool:
    return any("next" in reason for reason in error.details)


def _print_reasons(error: ApiError) -> None:
    """Print the message, which has the reasons, and what may be done about each."""
    click.echo(error.message, err=True)
    for reason in error.details:
        text = str(reason.get("message", ""))
        told = "" if text in error.message else f"{text} "
        click.echo(f"  {told}{reason.get('next', '')}", err=True)


def _build_command(
    verb: str, said: str, about: str, question: str = "", method: str = ""
) -> click.Command:
    """Return a command that changes the status; with a question it asks before.

    `method` is that of the client, if it is not called like the command.
    """

    @click.command(verb, help=about)
    @click.argument("optimization")
    @click.option("--yes", is_flag=True, hidden=not question, help="Do not ask.")
    @printing()
    @click.pass_obj
    def change_status(session: Session, optimization: str, *, yes: bool) -> None:
        name = session.find_optimization(optimization)
        if question and not yes:
            click.confirm(question, abort=True, err=True)
        change: Callable[[str], object] = getattr(
            session.client.optimizations, method or verb
        )
        session.say(f"{said} {optimization}", change(name))

    return change_status


COMMANDS = (
    ship_optimization,
    _build_command("launch", "launched", "Go live: serve a draft.", method="resume"),
    _build_command("pause", "paused", "Pause: visitors see their fallback."),
    _build_command("resume", "resumed", "Go live again; the same as launch."),
    _build_command("stop", "stopped", "End for good.", "End it for good?"),
    _build_command("archive", "archived", "Put away."),
    _build_command("unarchive", "unarchived", "Take out again."),
    _build_command(
        *("delete", "deleted"), "Delete: for good if it never served.", "Delete it?"
    ),
)
