"""What the synchronous and the asynchronous client share."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, Self, TypedDict

from levered.decision import Ask, Decision, Variant
from levered.errors import LateError, LeveredError
from levered.events import EventQueue
from levered.exchange import Flow
from levered.local.decider import LocalDecider
from levered.local.policies import PolicyCache
from levered.local.policy import Policy
from levered.remote import RemoteDecider
from levered.transport import Service, parse_url

Mode = Literal["remote", "local"]
PUBLISHABLE = "lev_pub_"
NO_KEY_MESSAGE = "events and local decisions need an api_key"
QUIET_SECONDS = 60.0
MOST_MESSAGES = 100
logger = logging.getLogger("levered")


class Options(TypedDict, total=False):
    """Options of a client; the README says what they mean."""

    mode: Mode
    timeout: float
    on_error: Callable[[Exception], None] | None
    raise_errors: bool
    flush_seconds: float
    queue_size: int
    remembered_users: int


@dataclass(frozen=True, slots=True)
class Settings:
    """The options with their defaults."""

    mode: Mode = "remote"
    timeout: float = 2.0
    on_error: Callable[[Exception], None] | None = None
    raise_errors: bool = False
    flush_seconds: float = 0.5
    queue_size: int = 10_000
    remembered_users: int = 10_000


def fill_in(decision: Decision, fallback: Variant | None) -> Decision:
    """Return the decision with the fallback's value of each factor that it leaves out.

    A page may format a factor that the optimization does not vary, or not any more.
    """
    if not fallback:
        return decision
    return replace(decision, variant={**fallback, **decision.variant})


class Catch:
    """A `with` whose block does not fail: what it raises is kept as `error`.

    Both clients decide and send in one, so that a page never gets an exception. A time
    that ran out is kept as a LateError. Cancellation and exits pass. `report`, if given,
    is told the error.
    """

    error: Exception

    def __init__(
        self, timeout: float, report: Callable[[Exception], None] | None = None
    ) -> None:
        self._timeout = timeout
        self._report = report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        is_late = isinstance(error, TimeoutError)
        self.error = LateError(self._timeout) if is_late else error
        if self._report is not None:
            self._report(self.error)
        return True


class Core:
    """State of one client, without threads and without an event loop.

    Raise ValueError for a wrong address, a publishable key, or an unknown mode.
    """

    def __init__(self, api_url: str, api_key: str, settings: Settings) -> None:
        if api_key.startswith(PUBLISHABLE):
            raise ValueError("a publishable key is for web pages: use a secret key")
        if settings.mode not in {"remote", "local"}:
            raise ValueError(f"mode must be remote or local; got {settings.mode!r}")
        self.service = Service(parse_url(api_url), api_key, settings.timeout)
        self.settings = settings
        self.queue = EventQueue(settings.queue_size, self.report)
        self.policies = PolicyCache()
        self.local = LocalDecider(self.queue, settings.remembered_users)
        self.queue.on_kept = self.local.keep
        self.remote = RemoteDecider()
        self._told: set[str] = set()
        self._logged: dict[str, float] = {}

    @property
    def is_local(self) -> bool:
        """Whether decisions are made by the policy."""
        return self.settings.mode == "local"

    def decide_locally(self, ask: Ask, policy: Policy) -> Decision:
        """Decide by a policy; what it decides is recorded where there is a key."""
        if ask.record and not self.service.credential:
            self._warn_once(NO_KEY_MESSAGE)
            ask = Ask(ask.optimization_id, ask.anonymous_id, ask.context, record=False)
        return self.local.decide(ask, policy)

    def refresh_policies(self) -> Flow[None]:
        """Fetch the policies that are old. Failures are reported."""
        for optimization_id in self.policies.list_due():
            try:
                yield from self.policies.load(optimization_id)
            except LeveredError as error:
                self.report(error)

    def add_reward(self, fields: Mapping[str, Any]) -> None:
        """Queue a reward."""
        if not self.service.credential:
            self._warn_once(NO_KEY_MESSAGE)
            return
        self.queue.add_reward(
            {name: value for name, value in fields.items() if value is not None}
        )

    def catch(self) -> Catch:
        """Return a block that keeps its error, for `fall_back` or `choose`."""
        return Catch(self.settings.timeout)

    def reporting(self) -> Catch:
        """Return a block whose error is reported, and that may be tried again later."""
        return Catch(self.settings.timeout, self.report)

    def fall_back(
        self, ids: tuple[object, object], fallback: Variant | None, error: Exception
    ) -> Decision:
        """Return the fallback for an optimization and a user, and report why.

        Raise the error where the client was asked to.
        """
        if self.settings.raise_errors:
            raise error
        self.report(error)
        names = str(ids[0]), str(ids[1])
        return Decision(*names, dict(fallback or {}), "fallback", error=error)

    def choose(
        self,
        fallbacks: Mapping[str, Variant],
        anonymous_id: str,
        outcomes: Sequence[Decision | Exception],
    ) -> dict[str, Variant]:
        """Return the variants of several decisions, with fallbacks where there is none."""
        variants = {}
        for (name, fallback), outcome in zip(fallbacks.items(), outcomes, strict=True):
            if isinstance(outcome, Exception):
                ids = name, anonymous_id
                variants[name] = self.fall_back(ids, fallback, outcome).variant
            else:
                variants[name] = fill_in(outcome, fallback).variant
        return variants

    def report(self, error: Exception) -> None:
        """Tell the application what went wrong. Its own failure does no harm.

        Without `on_error` each message is logged at most once a minute: a service that
        is away fails every request.
        """
        if self.settings.on_error is None:
            self._log(error)
            return
        try:
            self.settings.on_error(error)
        except Exception:
            logger.exception("on_error failed")

    def _log(self, error: Exception) -> None:
        message, now = str(error), time.monotonic()
        if now - self._logged.get(message, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        if len(self._logged) >= MOST_MESSAGES:
            self._logged.clear()
        self._logged[message] = now
        logger.warning("%s", message)

    def _warn_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self.report(LeveredError(message))
