"""Which hosts may be connected to: names are resolved once, private addresses refused."""

import ipaddress
import re
import socket

from django.conf import settings

from levered_site.errors import InvalidParametersError, WarehouseError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOST_LENGTH = 253
HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
# Networks that wrap an IPv4 address about which `is_global` says nothing:
# IPv4-compatible, NAT64, 6to4, Teredo. Mapped addresses have an attribute of their own.
IPV4_WRAPPERS = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
NOT_PUBLIC = "The host {} is not a public address; this server connects only to public addresses."


def validate_host(host: object) -> str:
    """Return the host if it is one name or one address and nothing else that libpq reads.

    Raises InvalidParametersError for socket paths, lists, ports, users and settings.
    """
    field = "credentials.host"
    if not isinstance(host, str) or not host or len(host) > MAX_HOST_LENGTH:
        raise InvalidParametersError.for_field(
            field, f"must be a host name of at most {MAX_HOST_LENGTH} characters"
        )
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    name = host.removesuffix(".")
    if not all(HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidParametersError.for_field(
            field, "must be one host name or IP address, without port or path"
        )
    return name


def resolve_host(name: str, port: int) -> list[str]:
    """Resolve a host and return the only addresses that may be connected to.

    Resolving the name again may give other addresses, so connect to those returned.
    Raises WarehouseError if there is none, or if one is not public and
    WAREHOUSE_ALLOW_PRIVATE is off.
    """
    try:
        infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WarehouseError(f"The host {name} cannot be found.") from error
    addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in infos))
    if settings.WAREHOUSE_ALLOW_PRIVATE:
        return addresses
    if any(not is_public(ipaddress.ip_address(address)) for address in addresses):
        raise WarehouseError(NOT_PUBLIC.format(name))
    return addresses


def is_public(address: Address) -> bool:
    """Return whether an address is reachable from the whole internet."""
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
