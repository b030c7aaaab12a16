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

from levered_site.api import waiting
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

AT_ONCE = 3  # queries of one organization in one web process

BACKENDS = registry.MODULES

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


def is_connected(organization_id: str) -> bool:
    """Tell whether observations live in a warehouse of the organization's own."""
    known = of(organization_id)
    return known is not None and known.provider != Connection.Provider.MANAGED


def backend(organization_id: str) -> Backend:
    """Open the organization's warehouse.

    Raises UnavailableError for a provider that this version cannot reach, and
    WarehouseError where its credentials cannot be opened.
    """
    connection = of(organization_id)
    if connection is None or connection.provider == Connection.Provider.MANAGED:
        return managed.of(organization_id)
    module = registry.module(connection.provider)
    known = encryption.unseal(connection.credentials or b"")
    opened: Backend = module.of(
        organization_id, known, connection.project_id, connection.dataset_id
    )
    return opened


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


def connect(
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
        managed.of(organization_id).test()
    else:
        known = _tested(organization_id, fields)
        wanted |= {
            "credentials": encryption.seal(known),
            "place": _place(wanted, known),
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
            tell(organization_id)
    return connection


def _tested(organization_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check the credentials that were sent, reach the warehouse with them, return them."""
    module = registry.module(fields["provider"])
    if not fields.get("credentials"):
        raise InvalidParametersError.of("credentials", "is required")
    known: dict[str, Any] = module.credentials(fields["credentials"])
    place = (fields.get("project_id", ""), fields.get("dataset_id", ""))
    with waiting.seated(), _turn(organization_id):
        try:
            module.of(organization_id, known, *place).test()
        except WarehouseError as error:
            raise BadRequestError(error.message) from error
    return known


def _place(fields: Mapping[str, Any], credentials: Mapping[str, Any]) -> str:
    """Name the warehouse, however one gets in: a new password is no new warehouse."""
    where = [
        str(credentials.get(name, ""))
        for name in ("host", "port", "database", "account", "schema", "project_id")
    ]
    text = "\x00".join([fields["project_id"], fields["dataset_id"], *where])
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{fields['provider']}-{digest}"


def tell(organization_id: str) -> None:
    """Say in the rooms above that observations come from elsewhere now."""
    for name in settings.WAREHOUSE_LISTENERS:
        import_string(name)(organization_id)


@contextmanager
def held(organization_id: str) -> Iterator[Connection | None]:
    """Hand out the connection, which nobody else changes meanwhile."""
    with transaction.atomic():
        connection = Connection.objects.filter(organization_id=organization_id)
        yield connection.select_for_update().first()


def forget(organization_id: str, actor: Actor) -> None:
    """Go back to the managed store. Forgetting twice changes nothing."""
    with held(organization_id) as known:
        if known is None:
            return
        changes = {"provider": known.provider}
        audit.record(organization_id, actor, "warehouse.forget", known, changes)
        known.delete()
        if known.provider != Connection.Provider.MANAGED:
            tell(organization_id)


def test(organization_id: str) -> Tested:
    """Reach the organization's warehouse and say how it went."""
    try:
        with borrowed(organization_id) as warehouse:
            return Tested(success=True, latency_ms=warehouse.test())
    except LeveredError as error:
        return Tested(success=False, message=error.message)
