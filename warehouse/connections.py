"""An organization's connection to its warehouse: connect, test, disconnect, and query."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from levered_site.api import slow_requests
from levered_site.errors import (
    BadRequestError,
    LeveredError,
    UnavailableError,
    WarehouseError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from warehouse import encryption
from warehouse.backends import deadlines, managed, registry
from warehouse.backends.base import Backend
from warehouse.models import Connection

AUDITED_FIELDS = ("provider", "project_id", "dataset_id")  # none is a secret
MAX_CONCURRENT_QUERIES = 3  # queries of one organization in one web process

_running_lock = threading.Lock()
_running_queries: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class ConnectionTestResult:
    """The milliseconds of a successful test, or the warehouse's message.

    `warnings` say what the role may do and should not, if anything.
    """

    success: bool
    latency_ms: int | None = None
    message: str | None = None
    warnings: list[str] | None = None


def find_connection(organization_id: str) -> Connection | None:
    """Return the organization's connection; None means the managed store."""
    return Connection.objects.filter(organization_id=organization_id).first()


def is_connected(organization_id: str) -> bool:
    """Return whether the organization's events are in a warehouse of its own."""
    return is_external(find_connection(organization_id))


def is_external(connection: Connection | None) -> bool:
    """Return whether a connection leads to a warehouse of the organization's own."""
    return connection is not None and connection.provider != Connection.Provider.MANAGED


def load_backend(organization_id: str) -> Backend:
    """Return the organization's warehouse, without connecting to it.

    Raises UnavailableError for a provider that this version does not support, and
    WarehouseError if the stored credentials cannot be decrypted.
    """
    connection = find_connection(organization_id)
    if connection is None or connection.provider == Connection.Provider.MANAGED:
        return managed.build_backend(organization_id)
    module = registry.load_module(connection.provider)
    credentials = encryption.decrypt_credentials(connection.credentials or b"")
    return module.build_backend(
        organization_id, credentials, connection.project_id, connection.dataset_id
    )


@contextmanager
def borrow_backend(organization_id: str) -> Iterator[Backend]:
    """Lend the warehouse to one request, for WAREHOUSE_REQUEST_SECONDS in all.

    Raises UnavailableError if the process or the organization runs too many of them.
    """
    with reserve_query(organization_id, settings.WAREHOUSE_REQUEST_SECONDS):
        yield load_backend(organization_id)


@contextmanager
def reserve_query(organization_id: str, seconds: float) -> Iterator[None]:
    """Let one request ask the organization's warehouse, for `seconds` in all.

    Raises UnavailableError if the process or the organization runs too many of them.
    Beyond the deadline the warehouse raises QueryFailedError.
    """
    with (
        slow_requests.reserve_thread(),
        _limit_concurrent_queries(organization_id),
        deadlines.share_deadline(seconds),
    ):
        yield


@contextmanager
def _limit_concurrent_queries(organization_id: str) -> Iterator[None]:
    with _running_lock:
        if _running_queries[organization_id] >= MAX_CONCURRENT_QUERIES:
            raise UnavailableError(
                f"{MAX_CONCURRENT_QUERIES} queries of your organization are running; "
                "try again.",
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
    """Test a connection, then store it in place of the organization's previous one.

    `fields` is the request's body. Raises, before anything is written,
    InvalidParametersError on a wrong field, BadRequestError with the warehouse's message
    if the test fails, and UnavailableError for a provider that this version does not
    support.
    """
    provider = fields["provider"]
    values = {
        "provider": provider,
        "project_id": fields.get("project_id", ""),
        "dataset_id": fields.get("dataset_id", ""),
        "credentials": None,
        "place": provider,
    }
    warnings: list[str] = []
    if provider == Connection.Provider.MANAGED:
        managed.build_backend(organization_id).test()
    else:
        credentials, warnings = _test_credentials(organization_id, fields)
        values |= {
            "credentials": encryption.encrypt_credentials(credentials),
            "place": _fingerprint_warehouse(values, credentials),
        }
    connection = _store_connection(organization_id, values, actor)
    connection.warnings = warnings
    return connection


def _store_connection(
    organization_id: str, values: Mapping[str, Any], actor: Actor
) -> Connection:
    """Write and audit the connection; notify the listeners if the warehouse changed."""
    with transaction.atomic():
        previous = Connection.objects.select_for_update().filter(
            organization_id=organization_id
        )
        has_moved = [row.place for row in previous] != [values["place"]]
        before = _describe_connection(previous)
        connection, _ = Connection.objects.update_or_create(
            organization_id=organization_id, defaults=values
        )
        changes = {name: values[name] for name in AUDITED_FIELDS}
        action = "warehouse.connect"
        audit.record(organization_id, actor, action, connection, changes, before=before)
        if has_moved:
            notify_listeners(organization_id)
    return connection


def _describe_connection(connections: Iterable[Connection]) -> dict[str, str]:
    """Return what the audit log tells of the connection, empty if there is none."""
    return {
        name: getattr(connection, name)
        for connection in connections
        for name in AUDITED_FIELDS
    }


def _test_credentials(
    organization_id: str, fields: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Validate the credentials of a request and connect with them.

    Return them, and what their role may do and should not.
    """
    credentials, backend = build_unsaved_backend(organization_id, fields)
    with reserve_query(organization_id, settings.WAREHOUSE_REQUEST_SECONDS):
        try:
            backend.test()
            warnings = backend.list_role_warnings()
            credentials |= backend.find_names()
        except WarehouseError as error:
            raise BadRequestError(error.message) from error
    return credentials, warnings


def build_unsaved_backend(
    organization_id: str, fields: Mapping[str, Any]
) -> tuple[dict[str, Any], Backend]:
    """Return the credentials of a request, validated, and their warehouse.

    It does not connect. Raises as `connect_warehouse` does on wrong fields and providers.
    """
    module = registry.load_module(fields["provider"])
    credentials = module.validate_credentials(fields.get("credentials") or {})
    backend = module.build_backend(
        organization_id,
        credentials,
        fields.get("project_id", ""),
        fields.get("dataset_id", ""),
    )
    return credentials, backend


def _fingerprint_warehouse(
    fields: Mapping[str, Any], credentials: Mapping[str, Any]
) -> str:
    """Return a name of the warehouse that does not depend on its secrets.

    A new password is no new warehouse, so it begins no new regime.
    """
    address = [
        str(credentials.get(name, ""))
        for name in ("host", "port", "database", "account", "schema", "project_id")
    ]
    text = "\x00".join([fields["project_id"], fields["dataset_id"], *address])
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{fields['provider']}-{digest}"


def notify_listeners(organization_id: str) -> None:
    """Call settings.WAREHOUSE_LISTENERS: the organization's events come from elsewhere.

    They are settings because the warehouse must not import the apps that listen.
    """
    for listener_path in settings.WAREHOUSE_LISTENERS:
        import_string(listener_path)(organization_id)


@contextmanager
def lock_connection(organization_id: str) -> Iterator[Connection | None]:
    """Return the connection, if there is one, with its row locked."""
    with transaction.atomic():
        connections = Connection.objects.filter(organization_id=organization_id)
        yield connections.select_for_update().first()


def disconnect_warehouse(organization_id: str, actor: Actor) -> None:
    """Delete the connection, which returns the organization to the managed store.

    Without a connection nothing changes.
    """
    with lock_connection(organization_id) as connection:
        if connection is None:
            return
        before = _describe_connection([connection])
        action = "warehouse.forget"
        audit.record(organization_id, actor, action, connection, {}, before=before)
        connection.delete()
        if connection.provider != Connection.Provider.MANAGED:
            notify_listeners(organization_id)


def test_connection(organization_id: str) -> ConnectionTestResult:
    """Connect to the organization's warehouse and return the result."""
    try:
        with borrow_backend(organization_id) as warehouse:
            return ConnectionTestResult(
                success=True,
                latency_ms=warehouse.test(),
                warnings=warehouse.list_role_warnings() or None,
            )
    except LeveredError as error:
        return ConnectionTestResult(success=False, message=error.message)
