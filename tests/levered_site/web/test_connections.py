"""ConnectionTable: which connections are admitted, and which make room for them."""

from dataclasses import dataclass

import pytest

from levered_site.web.connections import ConnectionTable, Peer, get_network


@dataclass(eq=False)
class FakeConnection:
    """A connection that only remembers that it was closed."""

    is_closed: bool = False

    def close_idle(self) -> None:
        self.is_closed = True


def admit_idle(table: ConnectionTable, address: str) -> FakeConnection:
    """Admit a connection that has no request yet."""
    peer = table.admit(address)
    assert peer
    connection = FakeConnection()
    peer.idle[connection] = None
    return connection


def admit_busy(table: ConnectionTable, address: str, count: int) -> list[Peer | None]:
    """Admit connections on which a request is running."""
    return [table.admit(address) for _ in range(count)]


def test_an_address_is_limited_and_others_are_not() -> None:
    table = ConnectionTable(total=10, per_address=2)

    assert all(admit_busy(table, "10.0.0.1", 2))
    assert table.admit("10.0.0.1") is None
    assert table.admit("10.0.0.2")


def test_an_address_at_its_limit_loses_its_oldest_idle_connection() -> None:
    table = ConnectionTable(total=10, per_address=2)
    first, second = (admit_idle(table, "10.0.0.1") for _ in range(2))
    other = admit_idle(table, "10.0.0.2")

    assert table.admit("10.0.0.1")

    assert [first.is_closed, second.is_closed, other.is_closed] == [True, False, False]


def test_a_full_table_closes_an_idle_connection_of_who_has_most() -> None:
    table = ConnectionTable(total=5, per_address=None)
    single = admit_idle(table, "10.0.0.1")
    many = [admit_idle(table, "10.0.0.2") for _ in range(4)]

    assert table.admit("10.0.0.3")

    assert not single.is_closed
    assert [each.is_closed for each in many] == [True, False, False, False]


def test_a_full_table_without_idle_connections_refuses() -> None:
    table = ConnectionTable(total=3, per_address=None)

    assert all(admit_busy(table, "10.0.0.1", 3))
    assert table.admit("10.0.0.2") is None


def test_a_closed_connection_makes_room() -> None:
    table = ConnectionTable(total=1, per_address=1)
    peer = table.admit("10.0.0.1")
    assert peer

    table.remove("10.0.0.1", peer)

    assert table.admit("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_ipv6_addresses_count_by_their_64(address: str, network: str) -> None:
    assert get_network(address) == network
