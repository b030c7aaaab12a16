"""What connecting a warehouse would find, before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from levered_site.errors import BadRequestError, LeveredError, WarehouseError
from warehouse import connections
from warehouse.backends import managed
from warehouse.backends.base import MAX_TABLES, Backend
from warehouse.backends.query_results import Table
from warehouse.models import Connection


@dataclass(frozen=True, slots=True)
class ConnectionFindings:
    """What a test of unsaved credentials found.

    `tables` are those that the role may read, `has_more` whether the warehouse has more
    than were listed, and `tables_problem` says why they could not be listed.
    """

    latency_ms: int
    warnings: Sequence[str]
    tables: Sequence[Table] = ()
    has_more: bool = False
    tables_problem: str = ""


def try_connection(
    organization_id: str, fields: Mapping[str, Any]
) -> ConnectionFindings:
    """Connect with the fields of a request and return what that finds. Store nothing.

    Raises as `connections.connect_warehouse` does.
    """
    if fields["provider"] == Connection.Provider.MANAGED:
        backend: Backend = managed.build_backend(organization_id)
    else:
        _, backend = connections.build_unsaved_backend(organization_id, fields)
    seconds = settings.WAREHOUSE_REQUEST_SECONDS
    with connections.reserve_query(organization_id, seconds):
        try:
            latency_ms = backend.test()
            warnings = backend.list_role_warnings()
        except WarehouseError as error:
            raise BadRequestError(error.message) from error
        try:
            tables = backend.tables("")
        except LeveredError as error:
            return ConnectionFindings(
                latency_ms, warnings, tables_problem=error.message
            )
    has_more = len(tables) > MAX_TABLES
    return ConnectionFindings(latency_ms, warnings, tables[:MAX_TABLES], has_more)
