"""`manage.py up`: the parts that need no running service."""

from ipaddress import IPv4Address

import pytest

from levered_site.management.commands import up


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
