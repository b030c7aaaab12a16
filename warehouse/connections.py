"""Which warehouse an organization has: connect, test, forget, and borrow it for a query."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from levered_site.api import waiting
from levered_site.errors import LeveredError, UnavailableError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from warehouse.backends import managed
from warehouse.backends.base import Backend
from warehouse.models import Connection

AT_ONCE = 3  # queries of one organization in one web process

CONNECTED_LATER = (
    "Connected warehouses are not available in this version; "
    "the managed warehouse is: provider `managed`."
)

_guard = threading.Lock()
_running: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class Tested:
    """How a test went: milliseconds, or the warehouse's own message."""

    success: bool
    latency_ms: int | None = None
    message: str | None = None


def of(organization_id: str) -> Connection | None:
    """Return the organization's connection; None means the managed store."""
    return Connection.objects.filter(organization_id=organization_id).first()


def backend(organization_id: str) -> Backend:
    """Open the organization's warehouse.

    Raises UnavailableError for a provider that this version cannot reach.
    """
    connection = of(organization_id)
    if connection and connection.provider != Connection.Provider.MANAGED:
        raise UnavailableError(CONNECTED_LATER)
    return managed.of(organization_id)


@contextmanager
def borrowed(organization_id: str) -> Iterator[Backend]:
    """Lend the warehouse to one request that may wait long.

    Raises UnavailableError where the process or the organization has enough of them.
    """
    with waiting.seated(), _turn(organization_id):
        yield backend(organization_id)


@contextmanager
def _turn(organization_id: str) -> Iterator[None]:
    with _guard:
        if _running[organization_id] >= AT_ONCE:
            raise UnavailableError(
                f"{AT_ONCE} queries of your organization are running; try again.",
                retry_after=5,
            )
        _running[organization_id] += 1
    try:
        yield
    finally:
        with _guard:
            _running[organization_id] -= 1
            if not _running[organization_id]:
                del _running[organization_id]


def connect(organization_id: str, provider: str, actor: Actor) -> Connection:
    """Make or replace the organization's one connection, tested first.

    Raises UnavailableError for all providers but `managed`; nothing is written then.
    """
    if provider != Connection.Provider.MANAGED:
        raise UnavailableError(CONNECTED_LATER)
    managed.of(organization_id).test()
    with transaction.atomic():
        connection, _ = Connection.objects.update_or_create(
            organization_id=organization_id,
            defaults={
                "provider": provider,
                "project_id": "",
                "dataset_id": "",
                "credentials": None,
            },
        )
        changes = {"provider": provider}
        audit.record(organization_id, actor, "warehouse.connect", connection, changes)
    return connection


def forget(organization_id: str, actor: Actor) -> None:
    """Go back to the managed store. Forgetting twice changes nothing."""
    with transaction.atomic():
        connection = Connection.objects.filter(organization_id=organization_id)
        known = connection.select_for_update().first()
        if known is None:
            return
        changes = {"provider": known.provider}
        audit.record(organization_id, actor, "warehouse.forget", known, changes)
        known.delete()


def test(organization_id: str) -> Tested:
    """Reach the organization's warehouse and say how it went."""
    try:
        return Tested(success=True, latency_ms=backend(organization_id).test())
    except LeveredError as error:
        return Tested(success=False, message=error.message)
