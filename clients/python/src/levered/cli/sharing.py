"""Commands: optimizations share create, list, revoke."""

from typing import Final, Literal

import click

from levered.cli.options import printing
from levered.cli.session import Session
from levered.cli.tables import Column, format_time

Days = Literal[7, 30, 90]
DAYS: Final[dict[str, Days]] = {"7": 7, "30": 30, "90": 90}
LISTED = (
    Column("label", "for whom"),
    Column("created_by", "by"),
    Column("created_at", "made", format_time),
    Column("last_opened_at", "last opened", format_time),
    Column("times_opened", "times"),
    Column("expires_at", "works until", format_time),
    Column("id"),
)
MADE = (
    Column("label", "for whom"),
    Column("expires_at", "works until", format_time),
    Column("url"),
)


@click.group("share")
def share() -> None:
    """Links that show the results without a log-in."""


@share.command("create")
@click.argument("optimization")
@click.option("--label", default="", help="Whom it is for; the page does not show it.")
@click.option(
    "--days",
    type=click.Choice(list(DAYS)),
    default="30",
    show_default=True,
    help="How long it works.",
)
@printing()
@click.pass_obj
def create_link(session: Session, optimization: str, label: str, days: str) -> None:
    """Make a link. Its address is shown once.

    levered optimizations share create "Landing page" --label "Board meeting" --days 7
    """
    name = session.find_optimization(optimization)
    made = session.client.optimizations.share(
        name, label=label, expires_in_days=DAYS[days]
    )
    session.show_fields(made, MADE, title="this is shown once")


@share.command("list")
@click.argument("optimization")
@printing(rows=True)
@click.pass_obj
def list_links(session: Session, optimization: str) -> None:
    """List the links, newest first, without their addresses."""
    name = session.find_optimization(optimization)
    if session.output == "csv":
        session.take_csv("optimizations", name, "share-links", limit=100)
        return
    rows = session.client.optimizations.share_links(name)
    session.show_rows(LISTED, rows, title="share links")


@share.command("revoke")
@click.argument("optimization")
@click.argument("link")
@click.option("--yes", is_flag=True, help="Do not ask.")
@printing()
@click.pass_obj
def revoke_link(session: Session, optimization: str, link: str, *, yes: bool) -> None:
    """End a link at once, by its id or its label."""
    name = session.find_optimization(optimization)
    found = session.find_share_link(name, link)
    if not yes:
        click.confirm("Revoke the link?", abort=True, err=True)
    session.client.optimizations.revoke_share_link(name, found)
    session.say("revoked", {"id": found, "revoked": True})


COMMANDS = (share,)
