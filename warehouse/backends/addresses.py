"""Which hosts may be connected to: names are resolved once, private addresses refused."""

import ipaddress
import re
import socket

from levered_site.errors import InvalidParametersError, WarehouseError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOST_LENGTH = 253
HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
# IANA's registries of special-purpose addresses, as of 2025, those that are reachable
# from everywhere included: no warehouse is in them, and each leads elsewhere on some
# network (relays, sinks, translators). Python's own table is older.
SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols, and Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Addresses at which clouds answer their own machines, with credentials among the
# answers. No setting allows them.
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure, a public address
        "169.254.0.23",  # Tencent
        "169.254.169.253",  # Amazon, names
        "169.254.169.254",  # Amazon, Azure, Google, Oracle, and others
        "169.254.170.2",  # Amazon, containers
        "169.254.170.23",  # Amazon, pods
        "192.0.0.192",  # Oracle
        "fd00:ec2::23",  # Amazon, pods
        "fd00:ec2::253",  # Amazon, names
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
# Of IPv6 only this block holds public addresses. All others are special or unassigned.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
SPECIAL_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocols: Teredo, benchmarks, ORCHID, AMT, AS112, …
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)
# Networks that carry an IPv4 address in their last 32 bits, translated or mapped.
IPV4_CARRIERS = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
NOT_PUBLIC = "The host {} is not a public address; this server connects only to public addresses."
CLOUD_METADATA = (
    "The host {} is an address of a cloud's own services; no warehouse answers there."
)


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


def resolve_host(name: str, port: int, *, allow_private: bool) -> list[str]:
    """Resolve a host and return the only addresses that may be connected to.

    Resolving the name again may give other addresses, so connect to those returned. It
    takes as long as the machine's resolver does, so only a process that may be killed
    calls it. Raises WarehouseError if there is none, if one is a cloud's metadata service,
    or if one is not public and private ones are not allowed.
    """
    try:
        infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WarehouseError(f"The host {name} cannot be found.") from error
    addresses = list(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in infos))
    parsed = [ipaddress.ip_address(address) for address in addresses]
    if any(is_cloud_metadata(address) for address in parsed):
        raise WarehouseError(CLOUD_METADATA.format(name))
    if not (allow_private or all(map(is_public, parsed))):
        raise WarehouseError(NOT_PUBLIC.format(name))
    return addresses


def is_public(address: Address) -> bool:
    """Return whether an address is one of the internet's, and not a special one."""
    if is_cloud_metadata(address):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    return address in GLOBAL_UNICAST and not any(
        address in network for network in SPECIAL_IPV6
    )


def is_cloud_metadata(address: Address) -> bool:
    """Return whether a cloud answers its own machines there, also inside of IPv6."""
    if isinstance(address, ipaddress.IPv6Address) and any(
        address in network for network in IPV4_CARRIERS
    ):
        carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return carried in METADATA_ADDRESSES
    return address in METADATA_ADDRESSES
