"""Commands: api-keys create, list, rotate, revoke."""

from typing import Any

import click

from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import Column, format_time

SCOPES = ("ingest", "serve", "read", "write")
LISTED = (
    Column("label"),
    Column("prefix"),
    Column("scopes"),
    Column("last_used_at", "last used", format_time),
    Column("expires_at", "expires", format_time),
    Column("id"),
)
SECRET = (Column("id"), Column("label"), Column("scopes"), Column("secret"))


@click.group("api-keys")
def api_keys() -> None:
    """API keys of programs."""


@api_keys.command("list")
@printing(rows=True)
@click.pass_obj
def list_keys(session: Session) -> None:
    """List keys, without their secrets."""
    session.show_rows(LISTED, session.client.api_keys.list(), title="API keys")


@api_keys.command("create")
@click.argument("label")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES))
@click.option("--expires-at", help="ISO 8601 with offset.")
@click.option("--keep", is_flag=True, help="Keep it for `levered ingest`.")
@printing()
@click.pass_obj
def create_key(
    session: Session,
    label: str,
    scopes: tuple[Any, ...],
    expires_at: str | None,
    *,
    keep: bool,
) -> None:
    """Create a key. Its secret is shown once."""
    fields: dict[str, Any] = {"label": label, "scopes": list(scopes) or ["ingest"]}
    if expires_at:
        fields["expires_at"] = expires_at
    created = session.client.api_keys.create(**fields)
    if keep:
        config = session.config
        config.keep_credential(session.environment, created["secret"], "ingest")
    session.show_fields(created, SECRET, title="this is shown once")


@api_keys.command("rotate")
@click.argument("key")
@click.option("--overlap-hours", default=24, show_default=True)
@printing()
@click.pass_obj
def rotate_key(session: Session, key: str, overlap_hours: int) -> None:
    """Give a key a new secret; the old one works for as long as the overlap."""
    rotated = session.client.api_keys.rotate(key, overlap_hours=overlap_hours)
    session.show_fields(rotated, SECRET, title="this is shown once")


@api_keys.command("revoke")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def revoke_key(session: Session, key: str, *, yes: bool) -> None:
    """End a key."""
    if not yes:
        click.confirm("Revoke the key?", abort=True, err=True)
    session.client.api_keys.revoke(key)
    session.say("revoked")
