"""How many connections a process holds: in all, and per client address."""

import ipaddress
from dataclasses import dataclass, field
from typing import Protocol


class Connection(Protocol):
    """What the table needs of a connection."""

    def close_idle(self) -> None:
        """Close the connection, on which no request is running."""


@dataclass(slots=True)
class Peer:
    """The connections of one address; `idle` has those without a request, oldest first."""

    count: int = 0
    idle: dict[Connection, None] = field(default_factory=dict)


class ConnectionTable:
    """The connections of a process.

    `per_address` is None where all connections come from trusted proxies.
    """

    def __init__(self, total: int, per_address: int | None) -> None:
        self._total = total
        self._per_address = per_address
        self._count = 0
        self._peers: dict[str, Peer] = {}

    def admit(self, address: str) -> Peer | None:
        """Count a new connection. Return its peer, or None if it must be refused.

        Beyond a limit an idle connection is closed instead: one of the same address, or
        one of the address that has most of them.
        """
        network = get_network(address)
        peer = self._peers.get(network)
        if peer is None:
            peer = Peer()
        elif self._is_full(peer) and not _close_oldest(peer):
            return None
        if self._count >= self._total and not _close_oldest(self._get_idlest_peer()):
            return None
        self._peers[network] = peer
        peer.count += 1
        self._count += 1
        return peer

    def remove(self, address: str, peer: Peer) -> None:
        """Subtract a connection that is closed."""
        self._count -= 1
        peer.count -= 1
        if peer.count == 0:
            self._peers.pop(get_network(address), None)

    def _is_full(self, peer: Peer) -> bool:
        return self._per_address is not None and peer.count >= self._per_address

    def _get_idlest_peer(self) -> Peer:
        return max(self._peers.values(), key=lambda peer: len(peer.idle))


def _close_oldest(peer: Peer) -> bool:
    """Close the connection that has been idle for longest; False if there is none."""
    connection = next(iter(peer.idle), None)
    if connection is None:
        return False
    del peer.idle[connection]
    connection.close_idle()
    return True


def get_network(address: str) -> str:
    """Return what is counted together: an IPv4 address or an IPv6 /64."""
    if ":" not in address:
        return address
    try:
        ip = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)).network_address)
