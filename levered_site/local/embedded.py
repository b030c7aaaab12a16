"""Where a fresh machine keeps things: addresses of the embedded stores, generated secrets."""

import base64
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

DATABASE_NAME = "levered"
DATABASE_OWNER = "levered"

# sockaddr_un holds 107 bytes; Postgres adds ".s.PGSQL.5432" to the folder.
MAX_SOCKET_FOLDER_BYTES = 80


@dataclass(frozen=True, slots=True)
class StoreAddresses:
    """How to reach the embedded stores of one home, in the dialect of each client.

    `database_url` is for django-environ and psycopg, `redis_url` for redis-py and
    Django's cache (database 0), `broker_url` for Celery (database 1, so that emptying
    the cache never empties the queue).
    """

    database_url: str
    redis_url: str
    broker_url: str
    socket_folder: Path


def build_addresses(home: Path) -> StoreAddresses:
    """Name the sockets of a home. Pure: touches no file, needs no running server."""
    folder = _choose_socket_folder(home)
    valkey = folder / "valkey.sock"
    redis_url = f"unix://{quote(str(valkey))}?db=0"
    return StoreAddresses(
        database_url=f"postgres://{DATABASE_OWNER}@/{DATABASE_NAME}?host={quote(str(folder))}",
        redis_url=redis_url,
        broker_url=build_broker_url(redis_url),
        socket_folder=folder,
    )


def _choose_socket_folder(home: Path) -> Path:
    """A short name in the temporary directory, whatever the home is called."""
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()).resolve() / f"levered-{digest}"
    if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
        return Path("/tmp") / folder.name  # noqa: S108 - made 0700, owner checked
    return folder


def build_broker_url(redis_url: str) -> str:
    """Celery's address beside a redis-py one: the same server, the next database.

    Another database, because emptying Django's cache empties its database. Where a
    server has only database 0, set CELERY_BROKER_URL.
    """
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        number = int(parse_qs(parts.query).get("db", ["0"])[0])
        return f"redis+socket://{parts.path}?virtual_host={number + 1}"
    database = parts.path.strip("/") or "0"
    if not database.isdecimal():
        return redis_url
    return parts._replace(path=f"/{int(database) + 1}").geturl()


def load_or_create_secret(home: Path, name: str, make: Callable[[], str]) -> str:
    """Read the home's secret `name`; the first caller of all makes it, mode 0600.

    A hard link puts the finished file in place: it never replaces one, so that of two
    processes starting at once both read what the faster one wrote.
    """
    path = home / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=home, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(make().strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _link_into_place(Path(draft), path)
    finally:
        Path(draft).unlink()
    return path.read_text().strip()


def _link_into_place(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return


def generate_secret_key() -> str:
    """Make a secret of 400 random bits, for Django's signatures."""
    return secrets.token_urlsafe(50)


def generate_credential_key() -> str:
    """Make a Fernet key: 32 random bytes, url-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def generate_issuer_key() -> str:
    """Make the RS256 key of the local token issuer, as an unencrypted PKCS#8 PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()
