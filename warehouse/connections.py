"""Which warehouse an organization has: connect, test, forget, and borrow it for a query."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from levered_site.api import slow_requests
from levered_site.errors import (
    BadRequestError,
    InvalidParametersError,
    LeveredError,
    UnavailableError,
    WarehouseError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from warehouse import encryption
from warehouse.backends import managed, registry
from warehouse.backends.base import Backend
from warehouse.models import Connection

MAX_CONCURRENT_QUERIES = 3  # queries of one organization in one web process

BACKENDS = registry.BACKEND_MODULES

_running_lock = threading.Lock()
_running_queries: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class ConnectionTestResult:
    """How a test went: milliseconds, or the warehouse's own message."""

    success: bool
    latency_ms: int | None = None
    message: str | None = None


def find_connection(organization_id: str) -> Connection | None:
    """Return the organization's connection; None means the managed store."""
    return Connection.objects.filter(organization_id=organization_id).first()


def is_connected(organization_id: str) -> bool:
    """Tell whether observations live in a warehouse of the organization's own."""
    known = find_connection(organization_id)
    return known is not None and known.provider != Connection.Provider.MANAGED


def load_backend(organization_id: str) -> Backend:
    """Open the organization's warehouse.

    Raises UnavailableError for a provider that this version cannot reach, and
    WarehouseError where its credentials cannot be opened.
    """
    connection = find_connection(organization_id)
    if connection is None or connection.provider == Connection.Provider.MANAGED:
        return managed.build_backend(organization_id)
    module = registry.load_module(connection.provider)
    known = encryption.decrypt_credentials(connection.credentials or b"")
    opened: Backend = module.build_backend(
        organization_id, known, connection.project_id, connection.dataset_id
    )
    return opened


@contextmanager
def borrow_backend(organization_id: str) -> Iterator[Backend]:
    """Lend the warehouse to one request that may wait long.

    Raises UnavailableError where the process or the organization has enough of them.
    """
    with slow_requests.reserve_thread(), _limit_concurrent_queries(organization_id):
        yield load_backend(organization_id)


@contextmanager
def _limit_concurrent_queries(organization_id: str) -> Iterator[None]:
    with _running_lock:
        if _running_queries[organization_id] >= MAX_CONCURRENT_QUERIES:
            raise UnavailableError(
                f"{MAX_CONCURRENT_QUERIES} queries of your organization are running; try again.",
                retry_after=5,
            )
        _running_queries[organization_id] += 1
    try:
        yield
    finally:
        with _running_lock:
            _running_queries[organization_id] -= 1
            if not _running_queries[organization_id]:
                del _running_queries[organization_id]


def connect_warehouse(
    organization_id: str, fields: Mapping[str, Any], actor: Actor
) -> Connection:
    """Make or replace the organization's one connection, tested first.

    `fields` as the contract's body. Raises InvalidParametersError by field,
    BadRequestError with the warehouse's own message where the test fails, and
    UnavailableError for a provider that this version cannot reach; nothing is written
    then.
    """
    provider = fields["provider"]
    wanted = {
        "provider": provider,
        "project_id": fields.get("project_id", ""),
        "dataset_id": fields.get("dataset_id", ""),
        "credentials": None,
        "place": provider,
    }
    if provider == Connection.Provider.MANAGED:
        managed.build_backend(organization_id).test()
    else:
        known = _test_credentials(organization_id, fields)
        wanted |= {
            "credentials": encryption.encrypt_credentials(known),
            "place": _fingerprint_warehouse(wanted, known),
        }
    with transaction.atomic():
        before = Connection.objects.select_for_update().filter(
            organization_id=organization_id
        )
        moved = [one.place for one in before] != [wanted["place"]]
        connection, _ = Connection.objects.update_or_create(
            organization_id=organization_id, defaults=wanted
        )
        changes = {
            name: wanted[name] for name in ("provider", "project_id", "dataset_id")
        }
        audit.record(organization_id, actor, "warehouse.connect", connection, changes)
        if moved:
            notify_listeners(organization_id)
    return connection


def _test_credentials(
    organization_id: str, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Check the credentials that were sent, reach the warehouse with them, return them."""
    module = registry.load_module(fields["provider"])
    if not fields.get("credentials"):
        raise InvalidParametersError.for_field("credentials", "is required")
    known: dict[str, Any] = module.validate_credentials(fields["credentials"])
    place = (fields.get("project_id", ""), fields.get("dataset_id", ""))
    with slow_requests.reserve_thread(), _limit_concurrent_queries(organization_id):
        try:
            module.build_backend(organization_id, known, *place).test()
        except WarehouseError as error:
            raise BadRequestError(error.message) from error
    return known


def _fingerprint_warehouse(
    fields: Mapping[str, Any], credentials: Mapping[str, Any]
) -> str:
    """Name the warehouse, however one gets in: a new password is no new warehouse."""
    where = [
        str(credentials.get(name, ""))
        for name in ("host", "port", "database", "account", "schema", "project_id")
    ]
    text = "\x00".join([fields["project_id"], fields["dataset_id"], *where])
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{fields['provider']}-{digest}"


def notify_listeners(organization_id: str) -> None:
    """Say in the rooms above that observations come from elsewhere now."""
    for name in settings.WAREHOUSE_LISTENERS:
        import_string(name)(organization_id)


@contextmanager
def lock_connection(organization_id: str) -> Iterator[Connection | None]:
    """Hand out the connection, which nobody else changes meanwhile."""
    with transaction.atomic():
        connection = Connection.objects.filter(organization_id=organization_id)
        yield connection.select_for_update().first()


def disconnect_warehouse(organization_id: str, actor: Actor) -> None:
    """Go back to the managed store. Forgetting twice changes nothing."""
    with lock_connection(organization_id) as known:
        if known is None:
            return
        changes = {"provider": known.provider}
        audit.record(organization_id, actor, "warehouse.forget", known, changes)
        known.delete()
        if known.provider != Connection.Provider.MANAGED:
            notify_listeners(organization_id)


def test_connection(organization_id: str) -> ConnectionTestResult:
    """Reach the organization's warehouse and say how it went."""
    try:
        with borrow_backend(organization_id) as warehouse:
            return ConnectionTestResult(success=True, latency_ms=warehouse.test())
    except LeveredError as error:
        return ConnectionTestResult(success=False, message=error.message)
