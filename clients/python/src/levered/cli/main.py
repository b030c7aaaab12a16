"""The command `levered`: its groups, and what its exit codes mean."""

import os

import click
from click.shell_completion import get_completion_class

from levered import __version__
from levered.cli.account import config, env, login, logout, whoami
from levered.cli.api_keys import api_keys
from levered.cli.audit import audit
from levered.cli.config import load_config
from levered.cli.metrics import metrics
from levered.cli.models import models
from levered.cli.optimizations import optimizations
from levered.cli.session import Session
from levered.cli.visitors import explain, ingest, serve
from levered.cli.warehouse import warehouse
from levered.errors import ApiError, LeveredError, NetworkError

PROGRAM = "levered"
SHELLS = ("bash", "zsh", "fish")
FAILED, FORBIDDEN, NOT_FOUND, CONFLICT, AWAY = 1, 3, 4, 5, 6
CODES = {401: FORBIDDEN, 403: FORBIDDEN, 404: NOT_FOUND, 409: CONFLICT, 412: CONFLICT}
BUSY = {429, 502, 503, 504}


def _print_error(error: ApiError) -> None:
    click.echo(f"error: {error.message}", err=True)
    for detail in error.details:
        line = detail.get("message", "")
        if "field" in detail:
            line = f"{detail['field']}: {line}"
        if line not in error.message or "next" in detail:
            click.echo(f"  {line} {detail.get('next', '')}".rstrip(), err=True)
    if error.status == 401:
        click.echo("Log in: levered login", err=True)
    if error.request_id:
        click.echo(f"request {error.request_id}", err=True)


def _print_network_error(error: NetworkError, session: Session | None) -> None:
    click.echo(f"error: {error}", err=True)
    if session is not None:
        click.echo(
            f"Asked {session.url}. Is the service running? Another address: "
            "levered login --url https://…",
            err=True,
        )


class Program(click.Group):
    """The group of all commands; it turns errors into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ApiError as error:
            _print_error(error)
            code = AWAY if error.status in BUSY else CODES.get(error.status, FAILED)
        except NetworkError as error:
            _print_network_error(error, ctx.find_object(Session))
            code = AWAY
        except LeveredError as error:
            click.echo(f"error: {error}", err=True)
            code = FAILED
        raise click.exceptions.Exit(code)


@click.group(
    cls=Program,
    epilog=(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not logged in or not allowed, "
        "4 not found, 5 conflict or not confirmed, 6 not reachable or too busy."
    ),
)
@click.option("--env", "environment", envvar="LEVERED_ENV", help="Environment to use.")
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context, environment: str | None) -> None:
    """Levered in the terminal.

    LEVERED_URL and LEVERED_TOKEN are used instead of what `login` kept.
    """
    loaded = load_config()
    name = environment or loaded.environment
    is_login = context.invoked_subcommand == "login"
    url = os.environ.get("LEVERED_URL", "")
    # What was kept for one address is not sent to another.
    kept = "" if url else loaded.find_credential(name)
    session = Session(
        loaded,
        name,
        url=url or ("" if is_login else loaded.find_url(name)),
        credential=os.environ.get("LEVERED_TOKEN") or kept,
        output=loaded.settings.get("output", "table"),
        is_elsewhere=bool(url),
        is_named=bool(environment),
    )
    context.obj = session
    context.call_on_close(session.close)


@cli.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes commands.

    eval "$(levered completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    script = found(cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    click.echo(script.source())


for command in (
    *(login, logout, whoami, env, config, optimizations, models, warehouse, metrics),
    *(serve, explain, ingest, api_keys, audit),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    cli(prog_name=PROGRAM)


if __name__ == "__main__":
    main()
