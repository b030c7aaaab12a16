"""Inspection: every connection is looked at in a round, and who reads nothing ends."""

from dataclasses import dataclass, field

from levered_site.web.inspection import Inspection


@dataclass(eq=False)
class FakeConnection:
    """A connection with unsent bytes that notes what is done to it."""

    unread_bytes: int = 0
    unread_since: float = 0.0
    checked_at: list[float] = field(default_factory=list)
    is_aborted: bool = False

    def check(self, now: float) -> int:
        self.checked_at.append(now)
        return self.unread_bytes

    def abort(self) -> None:
        self.is_aborted = True


def run_round(inspection: Inspection, connections: set[FakeConnection]) -> None:
    for number in range(10):
        inspection.step(connections, float(number))


def test_a_round_checks_each_connection_once_and_a_tenth_in_each_step() -> None:
    connections = {FakeConnection() for _ in range(95)}
    inspection = Inspection(steps=10, max_unread_bytes=1)

    run_round(inspection, connections)

    times = [time for each in connections for time in each.checked_at]
    assert all(len(each.checked_at) == 1 for each in connections)
    assert max(times.count(float(number)) for number in range(10)) == 10


def test_few_connections_are_checked_and_none_are_no_error() -> None:
    inspection = Inspection(steps=10, max_unread_bytes=1)
    inspection.step(set(), 1.0)
    single = FakeConnection()

    inspection.step({single}, 2.0)

    assert single.checked_at == [2.0]


def test_a_connection_that_closed_meanwhile_is_left_alone() -> None:
    connections = {FakeConnection() for _ in range(20)}
    inspection = Inspection(steps=2, max_unread_bytes=1)
    inspection.step(connections, 1.0)
    closed = next(each for each in connections if not each.checked_at)

    inspection.step(connections - {closed}, 2.0)

    assert closed.checked_at == []
    assert all(each.checked_at for each in connections - {closed})


def test_beyond_the_limit_of_all_the_slowest_readers_are_cut_off() -> None:
    slowest, slow, fast = (FakeConnection(50, float(since)) for since in (1, 2, 3))
    idle = FakeConnection()
    inspection = Inspection(steps=10, max_unread_bytes=100)

    run_round(inspection, {fast, slow, idle, slowest})

    assert [each.is_aborted for each in (slowest, slow, fast, idle)] == [
        True,
        False,
        False,
        False,
    ]


def test_large_responses_left_unread_are_cut_off_before_the_round_ends() -> None:
    connections = {FakeConnection(40, float(since)) for since in range(5)}
    inspection = Inspection(steps=10, max_unread_bytes=100)

    for _ in range(2):
        inspection.note_left_unread(40, connections, 9.0)
    aborted_below = [each for each in connections if each.is_aborted]
    inspection.note_left_unread(40, connections, 9.0)

    assert aborted_below == []
    assert {each.unread_since for each in connections if each.is_aborted} == {0, 1, 2}


def test_what_a_round_found_unread_counts_for_the_next_large_response() -> None:
    slow = FakeConnection(90, 1.0)
    inspection = Inspection(steps=10, max_unread_bytes=100)
    run_round(inspection, {slow})
    newest = FakeConnection(20, 2.0)

    inspection.note_left_unread(20, {slow, newest}, 9.0)

    assert (slow.is_aborted, newest.is_aborted) == (True, False)
