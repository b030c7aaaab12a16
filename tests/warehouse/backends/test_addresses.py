"""Which addresses a warehouse may be connected at."""

import ipaddress

import pytest

from levered_site.errors import WarehouseError
from warehouse.backends import addresses

PRIVATE_ADDRESSES = [
    "0.0.0.0",  # noqa: S104 - checked, not bound to
    *("127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "169.254.1.1"),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:8.8.8.8"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    *("198.18.0.1", "192.0.2.1", "2001:db8::1", "2001:0:7f00:1::"),
    *("fec0::1", "3fff::1", "3fff:fff::1", "192.88.99.1", "2620:4f:8000::1"),
    *("192.31.196.1", "192.52.193.1", "192.175.48.1", "192.0.0.9", "100::1"),
    *("100:0:0:1::1", "5f00::1", "2001:1::1", "2001:3::1", "2001:4:112::1"),
    *("2001:20::1", "2001:30::1", "64:ff9b:1::1", "::ffff:0:8.8.8.8", "4000::1"),
    *("3ffe::1", "400::1", "e000::1"),
]
METADATA_ADDRESSES = [
    *("168.63.129.16", "169.254.169.254", "169.254.170.2", "100.100.100.200"),
    *("192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254"),
    *("64:ff9b::a83f:8110", "::168.63.129.16", "::ffff:0:168.63.129.16"),
]
# Neighbors of the special blocks, and well-known hosts.
PUBLIC_ADDRESSES = [
    *("8.8.8.8", "1.0.0.1", "9.255.255.255", "11.0.0.1", "100.63.255.255"),
    *("100.128.0.1", "128.0.0.1", "172.32.0.1", "192.0.1.1", "192.88.98.1"),
    *("192.88.100.1", "198.20.0.1", "223.255.255.255", "168.63.129.17"),
    *("2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1"),
    *("2620:4f:7fff::1", "2620:4f:8001::1", "2a00::1", "3ffd::1"),
]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_special_addresses_are_refused(address: str) -> None:
    assert not addresses.is_public(ipaddress.ip_address(address))
    with pytest.raises(WarehouseError, match="public"):
        addresses.resolve_host(address, 5432, allow_private=False)


@pytest.mark.parametrize("address", METADATA_ADDRESSES)
@pytest.mark.parametrize("allows_private", [False, True])
def test_no_setting_allows_the_metadata_of_a_cloud(
    address: str, *, allows_private: bool
) -> None:
    assert not addresses.is_public(ipaddress.ip_address(address))
    with pytest.raises(WarehouseError, match="cloud"):
        addresses.resolve_host(address, 5432, allow_private=allows_private)


@pytest.mark.parametrize("name", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_names_of_private_addresses_are_refused(name: str) -> None:
    with pytest.raises(WarehouseError, match=r"public|found"):
        addresses.resolve_host(name, 5432, allow_private=False)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_allowed(address: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(address))


def test_no_address_that_python_calls_private_is_allowed() -> None:
    """A network that only the newer table of Python knows would show up here."""
    networks = [ipaddress.ip_network(f"{first}.0.0.0/8") for first in range(256)]
    blocks = [block for each in networks for block in each.subnets(new_prefix=16)]

    assert not [
        block
        for block in blocks
        if addresses.is_public(block[1]) and not block[1].is_global
    ]
