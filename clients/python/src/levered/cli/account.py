"""Commands: login, logout, whoami, env and config."""

import os
import subprocess
import sys
from pathlib import Path

import click

from levered.cli.config import LOCAL, SETTINGS, is_loopback
from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import Column, format_time
from levered.client import Levered
from levered.transport import parse_url

DEFAULT_ORGANIZATION = "org_demo"
WHO = (
    Column("environment"),
    Column("url"),
    Column("organization.name", "organization"),
    Column("organization.id", "organization id"),
    Column("role"),
    Column("user_id", "user"),
    Column("api_key.label", "API key"),
    Column("api_key.scopes", "scopes"),
    Column("api_key.expires_at", "expires", format_time),
)


@click.command()
@click.option("--url", default="", help="Address of the service; kept.")
@click.option("--token", default="", help="Token or API key; better paste it.")
@click.option("--org", default="", help="Organization of a token made here.")
@printing()
@click.pass_obj
def login(session: Session, url: str, token: str, org: str) -> None:
    """Keep a token or an API key for the environment.

    Paste it when asked, or pipe it in. In a checkout of a service on this machine it
    makes a token by itself instead, unless `--env` names another than `local`.

    With `--url` and without `--env` it is the environment that has this address, or a
    new one that is called by its host.

    The first one is the environment in use. Later logins do not change that:
    `levered env use NAME` does.
    """
    config = session.config
    address = _parse_address(url) if url else config.find_url(session.environment)
    if url and not session.is_named:
        session.environment = config.choose_environment(address)
    session.url = address
    secret = token or _make_local_token(session, address, org) or _ask_for_secret()
    with Levered(address, secret) as client:
        who = client.account.me()
    _keep_login(session, secret)
    name, used = session.environment, config.used
    document = {"environment": name, "used": used, "url": address, **who}
    title = f"logged in to {name}; {_describe_used(session)}"
    session.show_fields(document, WHO, title=title)
    _warn_of_variable(address)


def _keep_login(session: Session, secret: str) -> None:
    """Keep the address and the credential; a first one is the environment in use."""
    name, config = session.environment, session.config
    is_known = name in config.environments or name in config.credentials
    before = config.addresses.get(name, session.url)
    if not config.credentials:
        config.environment = name
    if session.url != before or name != LOCAL:
        config.environments[name] = session.url
    if session.url != before and is_known:
        # The key that `ingest` sends is one of the other service.
        config.keep_credential(name, "", "ingest")
        click.echo(f"warning: {name} was {before}, now {session.url}", err=True)
    config.save()
    config.keep_credential(name, secret)


def _describe_used(session: Session) -> str:
    """Say where commands go that name no environment."""
    used, name = session.config.used, session.environment
    if used == name:
        return f"{name} is in use"
    return f"{used} is in use: `levered env use {name}` changes that"


def _warn_of_variable(url: str) -> None:
    """Say that commands go elsewhere than to the address of the environment in use."""
    forced = os.environ.get("LEVERED_URL", url)
    if forced and _parse_address(forced) != url:
        click.echo(f"warning: LEVERED_URL is set: commands go to {forced}", err=True)


def _parse_address(url: str) -> str:
    try:
        return parse_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _ask_for_secret() -> str:
    if sys.stdin.isatty():
        secret = str(click.prompt("Token or API key", hide_input=True))
    else:
        secret = sys.stdin.readline()
    if not secret.strip():
        raise click.UsageError("paste a token or an API key, or pipe it in")
    return secret.strip()


def _make_local_token(session: Session, url: str, organization: str) -> str:
    """Return a token of the service whose checkout this is, or nothing."""
    manage = Path("manage.py")
    is_own = session.environment == LOCAL or not session.is_named
    if not is_own or not is_loopback(url) or not manage.exists():
        return ""
    own = Path(".venv", "bin", "python")
    python = own if own.exists() else Path(sys.executable)
    name = organization or session.config.settings.get(
        "organization", DEFAULT_ORGANIZATION
    )
    done = subprocess.run(  # noqa: S603  # the service's own command
        [python, manage, "issue_token", "--org", name, "--role", "admin"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it failed"]
        raise click.ClickException(f"manage.py issue_token: {lines[-1]}")
    return done.stdout.strip()


@click.command()
@printing()
@click.pass_obj
def logout(session: Session) -> None:
    """Forget the credentials of the environment; the one in use stays in use."""
    name, used = session.environment, session.config.used
    session.config.keep_credential(name, "")
    session.config.keep_credential(name, "", "ingest")
    session.say(
        f"logged out of {name}; {used} is in use",
        {"environment": name, "used": used, "logged_in": False},
    )


@click.command()
@printing()
@click.pass_obj
def whoami(session: Session) -> None:
    """Show who is logged in, and where."""
    who = session.client.account.me()
    document = {"environment": session.environment, "url": session.url, **who}
    session.show_fields(document, WHO)


@click.group()
def env() -> None:
    """Environments: services that you work with."""


@env.command("list")
@printing(rows=True)
@click.pass_obj
def list_environments(session: Session) -> None:
    """List the environments."""
    config = session.config
    rows = [
        {
            "name": name,
            "url": url,
            "used": name == config.used,
            "logged_in": bool(config.find_credential(name)),
        }
        for name, url in config.addresses.items()
    ]
    columns = (Column("name"), Column("url"), Column("used"), Column("logged_in"))
    session.show_rows(columns, rows)


@env.command("use")
@click.argument("name")
@printing()
@click.pass_obj
def use_environment(session: Session, name: str) -> None:
    """Work with another environment from now on."""
    config = session.config
    url = config.find_url(name)
    config.environment = name
    config.save()
    document = {"environment": name, "used": config.used, "url": url}
    session.say(f"using {name} ({url})", document)
    if config.used != name:
        click.echo(f"warning: LEVERED_ENV is set, so {config.used} is used", err=True)
    _warn_of_variable(url)


@click.group()
def config() -> None:
    """Settings of the command line: output, organization."""


@config.command("get")
@click.argument("name", type=click.Choice(list(SETTINGS)))
@printing()
@click.pass_obj
def get_setting(session: Session, name: str) -> None:
    """Print a setting."""
    value = session.config.settings.get(name, "")
    session.say(value, {"name": name, "value": value})


@config.command("set")
@click.argument("name", type=click.Choice(list(SETTINGS)))
@click.argument("value")
@printing()
@click.pass_obj
def set_setting(session: Session, name: str, value: str) -> None:
    """Change a setting."""
    allowed = SETTINGS[name]
    if allowed and value not in allowed:
        raise click.BadParameter(f"{name} must be one of {', '.join(allowed)}")
    session.config.settings[name] = value
    session.config.save()
    session.say(f"{name} is {value}", {"name": name, "value": value})


@config.command("list")
@printing(rows=True)
@click.pass_obj
def list_settings(session: Session) -> None:
    """List the settings."""
    settings = session.config.settings
    rows = [{"name": name, "value": settings.get(name, "")} for name in SETTINGS]
    session.show_rows((Column("name"), Column("value")), rows)
