"""A home: the addresses of its stores, its secrets, its folders."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import pytest
import redis
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kombu import Connection
from psycopg.conninfo import conninfo_to_dict

from levered_site.local import embedded, folders


def test_building_addresses_touches_no_file(tmp_path: Path) -> None:
    home = tmp_path / "not there"

    addresses = embedded.build_addresses(home)

    assert not home.exists()
    assert not addresses.socket_folder.exists()


def test_socket_paths_are_short_for_a_long_home(tmp_path: Path) -> None:
    home = tmp_path / ("deep and spaced/" * 15)

    folder = embedded.build_addresses(home).socket_folder

    assert len(str(folder / ".s.PGSQL.5432.lock")) < 108
    assert " " not in folder.name


def test_a_temporary_directory_with_a_long_path_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 90)
    monkeypatch.setattr("tempfile.tempdir", str(long))

    folder = embedded.build_addresses(tmp_path).socket_folder

    assert not folder.is_relative_to(long)
    assert len(str(folder / ".s.PGSQL.5432.lock")) < 108


def test_two_homes_never_share_a_socket(tmp_path: Path) -> None:
    one, other = (
        embedded.build_addresses(tmp_path / "a"),
        embedded.build_addresses(tmp_path / "b"),
    )

    assert one.socket_folder != other.socket_folder


def test_relative_and_linked_paths_name_the_same_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")

    assert embedded.build_addresses(tmp_path / "link") == embedded.build_addresses(
        tmp_path / "other" / ".." / "home"
    )


def test_every_client_connects_to_the_same_socket_folder(
    tmp_path: Path,
) -> None:
    addresses = embedded.build_addresses(tmp_path)

    django = environ.Env.db_url_config(addresses.database_url)
    cache = redis.Redis.from_url(addresses.redis_url).connection_pool

    folder = str(addresses.socket_folder)
    assert django["OPTIONS"] == {"host": folder}
    assert conninfo_to_dict(addresses.database_url)["host"] == folder
    assert cache.connection_kwargs["path"] == f"{folder}/valkey.sock"


def test_the_broker_has_its_own_database() -> None:
    addresses = embedded.build_addresses(Path(os.environ["LEVERED_HOME"]))

    with (
        Connection(addresses.broker_url) as connection,
        connection.SimpleQueue("embedded") as queue,
    ):
        queue.put("job")

    with redis.Redis.from_url(addresses.redis_url.replace("db=0", "db=1")) as broker:
        assert broker.llen("embedded") == 1
    with redis.Redis.from_url(addresses.redis_url) as cache:
        assert not cache.exists("embedded")


@pytest.mark.parametrize(
    ("cache", "broker"),
    [
        ("redis://cache:6379", "redis://cache:6379/1"),
        ("redis://:secret@cache:6379/0", "redis://:secret@cache:6379/1"),
        ("rediss://cache/3?ssl_cert_reqs=none", "rediss://cache/4?ssl_cert_reqs=none"),
        ("redis://cache/named", "redis://cache/named"),
        ("unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=1"),
        ("unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=3"),
    ],
)
def test_the_broker_is_the_database_beside_the_cache(cache: str, broker: str) -> None:
    assert embedded.build_broker_url(cache) == broker


def test_a_secret_is_created_once_and_readable_by_its_owner_only(
    tmp_path: Path,
) -> None:
    first = embedded.load_or_create_secret(
        tmp_path / "home", "key", embedded.generate_secret_key
    )
    again = embedded.load_or_create_secret(
        tmp_path / "home", "key", embedded.generate_secret_key
    )

    assert first == again
    assert len(first) > 50
    (file,) = (tmp_path / "home").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_generated_keys_are_usable() -> None:
    fernet = Fernet(embedded.generate_credential_key())
    key = load_pem_private_key(embedded.generate_issuer_key().encode(), password=None)

    assert fernet.decrypt(fernet.encrypt(b"x")) == b"x"
    assert isinstance(key, RSAPrivateKey)
    assert key.key_size == 2048


def test_processes_that_start_at_once_read_one_secret(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from levered_site.local import embedded;"
        "print(embedded.load_or_create_secret("
        "Path(sys.argv[1]), 'key', embedded.generate_secret_key))"
    )

    def read_secret(_: int) -> str:
        command = [sys.executable, "-c", program, str(tmp_path / "home")]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout

    with ThreadPoolExecutor(6) as pool:
        secrets = set(pool.map(read_secret, range(6)))

    assert len(secrets) == 1
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["key"]


def test_a_socket_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(folders.FolderTakenError, match="belongs to another user"):
        folders.make_socket_folder(tmp_path / "sockets", None)

    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755


def write_locks(home: Path, pid: int) -> tuple[Path, Path]:
    """Write the two lock files that a killed Postgres leaves."""
    data = home / "postgres"
    data.mkdir()
    locks = (data / "postmaster.pid", home / ".s.PGSQL.5432.lock")
    for lock in locks:
        lock.write_text(f"{pid}\n{data}\n")
    return locks


def test_a_lock_whose_pid_was_reused_is_removed(tmp_path: Path) -> None:
    locks = write_locks(tmp_path, os.getpid())

    folders.remove_stale_locks(tmp_path / "postgres", tmp_path)

    assert not any(lock.exists() for lock in locks)


def test_a_lock_stays_while_a_process_works_in_the_data_folder(tmp_path: Path) -> None:
    locks = write_locks(tmp_path, os.getpid())
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(
        command, cwd=tmp_path / "postgres", stdin=subprocess.PIPE
    ) as session:
        folders.remove_stale_locks(tmp_path / "postgres", tmp_path)
        session.communicate(b"\n")

    assert all(lock.exists() for lock in locks)


def test_a_lock_of_a_dead_server_is_left_to_postgres(tmp_path: Path) -> None:
    locks = write_locks(tmp_path, 2**22 + 1)

    folders.remove_stale_locks(tmp_path / "postgres", tmp_path)

    assert all(lock.exists() for lock in locks)
