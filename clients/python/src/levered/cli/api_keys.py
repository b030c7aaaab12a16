"""Commands: api-keys create, list, rotate, revoke."""

import re
from collections.abc import Sequence
from typing import Any

import click

from levered.cli.options import printing
from levered.cli.session import Session, warn_of_namesakes
from levered.cli.tables import Column, format_time


def format_rewards(rewards: Sequence[Any]) -> str:
    """Return rewards as they are given; without any, what the key takes."""
    texts = (
        f"{each['name']}={each['min']:.15g}..{each['max']:.15g}" for each in rewards
    )
    return ", ".join(texts) or "none: it takes exposures only"


def format_origins(origins: Sequence[str]) -> str:
    """Return origins; without any, that every page may use the key."""
    return ", ".join(origins) or "every page"


TRACK = "track"
NUMBER = r"(-?\d+(?:\.\d+)?)"
# A name, and its bounds if they are not those of an event that counts once.
REWARD = re.compile(rf"([^=]+)(?:={NUMBER}\.\.{NUMBER})?")
SCOPES = ("ingest", "serve", "read", "write", TRACK)
LISTED = (
    Column("label"),
    Column("prefix"),
    Column("scopes"),
    Column("last_used_at", "last used", format_time),
    Column("expires_at", "expires", format_time),
    Column("public_key", "public key"),
    Column("id"),
)
SECRET = (Column("id"), Column("label"), Column("scopes"), Column("secret"))
PUBLIC = (
    Column("id"),
    Column("label"),
    Column("rewards", render=format_rewards),
    Column("origins", render=format_origins),
    Column("public_key", "public key"),
)


@click.group("api-keys")
def api_keys() -> None:
    """API keys of programs."""


@api_keys.command("list")
@printing(rows=True)
@click.pass_obj
def list_keys(session: Session) -> None:
    """List keys, without their secrets."""
    if session.output == "csv":
        session.take_csv("api-keys", limit=100)
        return
    session.show_rows(LISTED, session.client.api_keys.list(), title="API keys")


@api_keys.command("create")
@click.argument("label")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; ingest if none is given. track, alone, makes a publishable "
    "key for web pages.",
)
@click.option(
    "--reward",
    "rewards",
    multiple=True,
    metavar="NAME[=MIN..MAX]",
    help="Of a publishable key: a reward that it may send, with its bounds (1..1).",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Of a publishable key: pages that may use it, https://shop.com; all if none.",
)
@click.option("--expires-at", help="ISO 8601 with offset.")
@click.option("--keep", is_flag=True, help="Keep it for `levered ingest`.")
@printing()
@click.pass_obj
def create_key(session: Session, /, label: str, **options: Any) -> None:
    """Create a key. Its secret is shown once; a publishable one is no secret.

    levered api-keys create pages --scope track --reward signup --reward revenue=0..500
    --origin https://www.shop.com
    """
    fields = build_key(label, options)
    is_publishable = TRACK in fields["scopes"]
    if is_publishable and options["keep"]:
        raise click.UsageError("`levered ingest` needs a secret key: leave out --keep")
    if options["keep"] and session.is_elsewhere:
        raise click.UsageError("log in to this address to keep its key: levered login")
    created = session.client.api_keys.create(**fields)
    if options["keep"]:
        config = session.config
        config.keep_credential(session.environment, created["secret"], "ingest")
    _show_key(session, created)
    rows = session.client.api_keys.list()
    warn_of_namesakes(rows, created, "API key", "label")


def _show_key(session: Session, key: Any) -> None:
    """Print a new key: a publishable one is no secret, and is shown again."""
    if key.get("public_key"):
        session.show_fields(key, PUBLIC, title="this may stand in a page")
    else:
        session.show_fields(key, SECRET, title="this is shown once")


def build_key(label: str, options: dict[str, Any]) -> Any:
    """Return the body of a new key. Raise BadParameter for bounds that are none."""
    fields: dict[str, Any] = {
        "label": label,
        "scopes": list(options["scopes"]) or ["ingest"],
        "rewards": read_rewards(options["rewards"]),
        "origins": list(options["origins"]),
        "expires_at": options["expires_at"],
    }
    return {name: value for name, value in fields.items() if value}


def read_rewards(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Read `signup` and `revenue=0..500` texts. Raise BadParameter for other ones."""
    rewards = []
    for text in texts:
        match = REWARD.fullmatch(text)
        if match is None:
            raise click.BadParameter(f"{text!r} must be NAME or NAME=MIN..MAX")
        name, low, high = match.groups(default="1")
        rewards.append({"name": name, "min": float(low), "max": float(high)})
    return rewards


@api_keys.command("rotate")
@click.argument("key")
@click.option("--overlap-hours", default=24, show_default=True)
@printing()
@click.pass_obj
def rotate_key(session: Session, key: str, overlap_hours: int) -> None:
    """Give a key a new secret; the old one works for as long as the overlap."""
    name = session.find_key(key)
    rotated = session.client.api_keys.rotate(name, overlap_hours=overlap_hours)
    _show_key(session, rotated)


@api_keys.command("revoke")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@printing()
@click.pass_obj
def revoke_key(session: Session, key: str, *, yes: bool) -> None:
    """End a key, by its label or id."""
    name = session.find_key(key)
    if not yes:
        click.confirm("Revoke the key?", abort=True, err=True)
    session.client.api_keys.revoke(name)
    session.say("revoked", {"id": name, "revoked": True})
