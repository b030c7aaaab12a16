"""`manage.py up`: the parts that need no running service."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from levered_site.local.supervisor import Supervisor
from levered_site.management.commands import up
from levered_site.organizations.models import Organization


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        (str(IPv4Address(0)), "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("fd00::7", "[fd00::7]"),
        ("localhost", "localhost"),
    ],
)
def test_an_ipv6_address_is_in_brackets(host: str, reachable: str) -> None:
    assert up._get_reachable_host(host) == reachable


@pytest.mark.parametrize(
    "host",
    ["no-such-host.invalid", str(IPv4Address("192.0.2.1")), "2001:db8::1", "fe80::1%x"],
)
def test_an_address_that_the_machine_does_not_have_is_named(host: str) -> None:
    with pytest.raises(CommandError, match=f"cannot listen on {host}"):
        up._require_free_port(host, 0)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} is not free"):
            up._require_free_port("127.0.0.1", port)


@pytest.mark.django_db
def test_the_first_start_alone_makes_the_admin() -> None:
    password = up._create_first_accounts()
    admin = User.objects.get()
    assert admin.is_superuser
    assert admin.check_password(password or "")

    assert up._create_first_accounts() is None


@pytest.mark.django_db
def test_a_removed_admin_stays_removed() -> None:
    up._create_first_accounts()
    User.objects.all().delete()

    assert up._create_first_accounts() is None
    assert not User.objects.exists()


@pytest.mark.django_db
def test_no_admin_is_made_beside_other_users() -> None:
    User.objects.create_superuser("root")

    assert up._create_first_accounts() is None
    assert [user.username for user in User.objects.all()] == ["root"]
    assert not Organization.objects.exists()


class _Refuser(BaseHTTPRequestHandler):
    """A web server that refuses every request."""

    def do_GET(self) -> None:
        self.send_response(400)
        self.end_headers()
        self.wfile.write(b"no such host: " + self.headers["Host"].encode())

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


def test_a_start_that_fails_says_what_the_server_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "READY_TIMEOUT_SECONDS", 1.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refuser) as server:
        threading.Thread(target=server.serve_forever).start()
        port = server.server_port
        with pytest.raises(CommandError) as raised:
            up._wait_until_ready(Supervisor(tmp_path), "127.0.0.1", port)
        server.shutdown()

    answer = f"GET /readyz answers 400, no such host: localhost:{port}"
    assert answer in str(raised.value)
