"""Addresses of the embedded stores of a home folder, and its generated secrets."""

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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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
    """URLs of the embedded stores of one home, in the format of each client.

    `database_url` is for django-environ and psycopg, `redis_url` for redis-py and
    Django's cache (database 0), `broker_url` for Celery (database 1, so that clearing
    the cache does not clear the queue).
    """

    database_url: str
    redis_url: str
    broker_url: str
    socket_folder: Path


def build_addresses(home: Path) -> StoreAddresses:
    """Return the addresses of a home's stores, without touching a file or a store."""
    folder = _choose_socket_folder(home)
    base_url = f"postgres://{DATABASE_OWNER}@/{DATABASE_NAME}"
    redis_url = f"unix://{quote(str(folder / 'valkey.sock'))}?db=0"
    return StoreAddresses(
        database_url=f"{base_url}?host={quote(str(folder))}",
        redis_url=redis_url,
        broker_url=build_broker_url(redis_url),
        socket_folder=folder,
    )


def _choose_socket_folder(home: Path) -> Path:
    """Return a folder in the temporary directory, because its path must be short."""
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()).resolve() / f"levered-{digest}"
    if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
        return Path("/tmp") / folder.name  # noqa: S108 - mode 0700, owner checked
    return folder


def build_broker_url(redis_url: str) -> str:
    """Return Celery's URL for a redis-py URL: the same server, the next database.

    Clearing Django's cache clears its whole database. For a server with database 0
    only, set CELERY_BROKER_URL.
    """
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        number = int(parse_qs(parts.query).get("db", ["0"])[0])
        return f"redis+socket://{parts.path}?virtual_host={number + 1}"
    database = parts.path.strip("/") or "0"
    if not database.isdecimal():
        return redis_url
    return parts._replace(path=f"/{int(database) + 1}").geturl()


def load_or_create_secret(home: Path, name: str, generate: Callable[[], str]) -> str:
    """Return the secret `name` of a home; the first caller creates it, mode 0600.

    A hard link puts the finished file in place and never replaces one. So two processes
    that start at once both read what the faster one wrote.
    """
    path = home / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, new_file = tempfile.mkstemp(dir=home, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(generate().strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _link_into_place(Path(new_file), path)
    finally:
        Path(new_file).unlink()
    return path.read_text().strip()


def _link_into_place(new_file: Path, path: Path) -> None:
    try:
        path.hardlink_to(new_file)
    except FileExistsError:
        return


def generate_secret_key() -> str:
    """Return a secret of 400 random bits for Django's signatures."""
    return secrets.token_urlsafe(50)


def generate_credential_key() -> str:
    """Return a Fernet key: 32 random bytes as URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def generate_signing_key() -> str:
    """Return an Ed25519 private key: its 32 bytes as URL-safe base64."""
    key = Ed25519PrivateKey.generate().private_bytes_raw()
    return base64.urlsafe_b64encode(key).decode()


def generate_issuer_key() -> str:
    """Return an RS256 key of the local token issuer, as an unencrypted PKCS#8 PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()
