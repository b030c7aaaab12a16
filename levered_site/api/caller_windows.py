"""What a process knows of callers' windows, and which requests need not wait for a count.

Web processes share a caller's counter. Each knows the counter's last total and its own
requests since then, not those of the others. So a request passes at once only while

- the total is of this window and young (MAX_TOTAL_AGE_SECONDS),
- a reserve is left (RESERVE_DIVISOR), and
- few requests of this process are missing in the total (UNSEEN_DIVISOR).

The limit holds exactly unless others use up the whole reserve unseen: within the age of
a total and the round trip that brings their counts, some 0.12 s. Then k processes let
at most k twentieths of the limit pass above it, however fast the caller is: what each of
them had not yet counted when the counter reached the limit.
"""

import asyncio
from dataclasses import dataclass, field

from levered_site.api import rate_limits
from levered_site.api.rate_limits import Rate

MAX_TOTAL_AGE_SECONDS = 0.1
# The last tenth of a limit is counted exactly, and at least its last 100 requests. So
# limits up to 100 are always exact.
RESERVE_DIVISOR = 10
MIN_RESERVE = 100
# The requests that a total may lack: a twentieth of what it leaves.
UNSEEN_DIVISOR = 20
# Some 500 bytes each.
MAX_WINDOWS = 4096

# The group, the rate as it was written, and the caller.
Identity = tuple[str, str, str]


@dataclass(slots=True)
class Group:
    """Requests of one window, to be counted by one command.

    `waiters` are those that wait for their count, with their place in the group.
    """

    window: "CallerWindow"
    size: int = 0
    waiters: "list[tuple[int, asyncio.Future[int | None]]]" = field(
        default_factory=list
    )

    def deliver_counts(self, total: int | None) -> None:
        """Give each waiting request its count; None where nothing was counted."""
        before = None if total is None else total - self.size
        for place, future in self.waiters:
            if not future.done():
                future.set_result(None if before is None else before + place)


@dataclass(slots=True)
class CallerWindow:
    """One caller's requests in one window, which ends at `ends_at` (Unix seconds).

    `count` is the last total and all requests since then. Up to `passing_count`, and
    until `passing_until` (the loop's time), requests pass at once.
    """

    key: str
    rate: Rate
    ends_at: int
    count: int = 0
    unsent: Group | None = None
    passing_count: int = 0
    passing_until: float = 0.0

    def passes_at_once(self, loop_time: float) -> bool:
        """Return whether the next request need not wait for its count."""
        return self.count < self.passing_count and loop_time <= self.passing_until

    def note_total(self, total: int | None, sent_at: float) -> None:
        """Note the total that was asked for at this time; None where there is none."""
        if total is None:
            self.passing_count = 0
            return
        self.count = total + (self.unsent.size if self.unsent else 0)
        limit = self.rate.limit
        reserve = max(limit // RESERVE_DIVISOR, MIN_RESERVE)
        unseen = (limit - total) // UNSEEN_DIVISOR
        self.passing_count = min(limit - reserve, total + unseen)
        self.passing_until = sent_at + MAX_TOTAL_AGE_SECONDS


class CallerWindows:
    """The current windows of the callers that came last, at most MAX_WINDOWS.

    What is forgotten was either counted or is in a group that is about to be. The next
    request of its caller waits, as the first one did.
    """

    def __init__(self) -> None:
        self._windows: dict[Identity, CallerWindow] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def find(self, identity: Identity, rate: Rate, now: int) -> CallerWindow:
        """Return the caller's window at `now` (Unix seconds)."""
        window = self._windows.get(identity)
        if window is None or not 0 < window.ends_at - now <= rate.seconds:
            window = self._open(identity, rate, now)
        return window

    def _open(self, identity: Identity, rate: Rate, now: int) -> CallerWindow:
        if len(self._windows) >= MAX_WINDOWS:
            self._make_room(asyncio.get_running_loop().time())
        group, _, caller = identity
        ends_at = rate_limits.compute_window_end(caller, rate.seconds, now)
        key = rate_limits.build_counter_key(group, rate, caller, ends_at)
        window = self._windows[identity] = CallerWindow(key, rate, ends_at)
        return window

    def _make_room(self, loop_time: float) -> None:
        """Keep the windows with a young total; none of them if those are many."""
        young = {
            identity: window
            for identity, window in self._windows.items()
            if loop_time <= window.passing_until
        }
        self._windows = young if len(young) <= MAX_WINDOWS // 2 else {}
