"""Where connections to customers' warehouses may go: names resolved once, addresses judged."""

import ipaddress
import re
import socket

from django.conf import settings

from levered_site.errors import InvalidParametersError, WarehouseError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOST_LENGTH = 253
HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
# Wrap an IPv4 address that the wrapper's own flags say nothing about: IPv4-compatible,
# NAT64, 6to4, Teredo. The mapped ones are judged by their kind.
IPV4_WRAPPERS = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
NOT_PUBLIC = "{} is not a public address; this server connects to public ones alone."


def validate_host(given: object) -> str:
    """Check that a text is one host: a name or an address, and nothing libpq reads on.

    No socket paths, lists, ports, users or settings. Raises InvalidParametersError.
    """
    field = "credentials.host"
    if not isinstance(given, str) or not given or len(given) > MAX_HOST_LENGTH:
        raise InvalidParametersError.for_field(field, "must be the name of a host")
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        pass
    name = given.removesuffix(".")
    if not all(HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidParametersError.for_field(
            field, "must be one name or address of a host"
        )
    return name


def resolve_host(name: str, port: int) -> list[str]:
    """Look a host up and return the addresses to connect to: those, and no others.

    Raises WarehouseError where there is none, or where one of them is not public and
    WAREHOUSE_ALLOW_PRIVATE is off. A name that is looked up again may say otherwise:
    connect to what is returned.
    """
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WarehouseError(f"The host {name} cannot be found.") from error
    addresses = list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
    if settings.WAREHOUSE_ALLOW_PRIVATE:
        return addresses
    if any(not is_public(ipaddress.ip_address(one)) for one in addresses):
        raise WarehouseError(NOT_PUBLIC.format(name))
    return addresses


def is_public(address: Address) -> bool:
    """Tell whether anybody on the internet could reach the address as well as we."""
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or any(address in network for network in IPV4_WRAPPERS)
    ):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_link_local
        or address.is_loopback
    )
