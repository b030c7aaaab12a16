"""System checks of the database: who may call what, and what bounds a query."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import connections

from levered_site.database import fetch_row, fetch_rows
from warehouse.backends import managed_connections
from warehouse.sql.customer import closed_functions, managed_schema

NAMED_FUNCTIONS = 3  # of those that are open; the others are counted
DISK_HINT = (
    "Run as a superuser, on Postgres 15 or newer: GRANT SET ON PARAMETER temp_file_limit "
    "TO the service's user. On Postgres 14 set temp_file_limit in postgresql.conf."
)


@checks.register(checks.Tags.database)
def check_settings_closed(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Report if the service may not call `set_config`, or if every user may.

    A restore brings back the tables and may lose the grants, so checking during
    migration is not enough. Checks only the given databases.
    """
    del app_configs
    return [message for name in databases or () for message in _check_database(name)]


def _check_database(database: str) -> list[checks.CheckMessage]:
    with connections[database].cursor() as cursor:
        cursor.execute(managed_schema.SELECT_SERVICE_MAY_SET_CONFIG)
        service_may = fetch_row(cursor).has_function_privilege
        cursor.execute(managed_schema.SELECT_PUBLIC_MAY_SET_CONFIG)
        everyone_may = fetch_row(cursor).has_function_privilege
    if not service_may:
        return [
            checks.Error(
                "The service's database user may not call set_config.",
                hint=managed_schema.REVOKE_SET_CONFIG_HINT,
                id="warehouse.E001",
            )
        ]
    if everyone_may:
        return [
            checks.Warning(
                "Every user of the database may call set_config.",
                hint=(
                    "If this is still so after `manage.py migrate`: "
                    f"{managed_schema.REVOKE_SET_CONFIG_HINT}"
                ),
                id="warehouse.W001",
            )
        ]
    return []


@checks.register(checks.Tags.database)
def check_functions_closed(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Warn if customers' queries have no second wall before functions that do harm.

    That is so where a superuser owns the functions and the service is none, and for
    extensions that were installed since. Fails if the service lost one that it calls.
    Checks only the given databases.
    """
    del app_configs
    return [
        message
        for name in databases or ()
        for message in (*_check_lost_functions(name), *_check_open_functions(name))
    ]


def _check_lost_functions(database: str) -> list[checks.CheckMessage]:
    signatures = _fetch_signatures(database, closed_functions.SELECT_LOST_FUNCTIONS)
    return [
        checks.Error(
            f"The service's database user may not call {signature}.",
            hint=closed_functions.CLOSE_HINT,
            id="warehouse.E002",
        )
        for signature in signatures
    ]


def _check_open_functions(database: str) -> list[checks.CheckMessage]:
    signatures = _fetch_signatures(database, closed_functions.SELECT_OPEN_FUNCTIONS)
    if not signatures:
        return []
    return [
        checks.Warning(
            "Every user of the database may call functions with effects "
            f"({len(signatures)}, such as {', '.join(signatures[:NAMED_FUNCTIONS])}): "
            "only the parser keeps them from customers' queries.",
            hint=closed_functions.CLOSE_HINT,
            id="warehouse.W003",
        )
    ]


def _fetch_signatures(database: str, query: str) -> list[str]:
    with connections[database].cursor() as cursor:
        cursor.execute(query)
        return [row.signature for row in fetch_rows(cursor)]


@checks.register(checks.Tags.database)
def check_temporary_tables_closed(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Warn if the reader of customers' queries may create temporary tables.

    That is so where the service does not own the database, and after a restore into a
    new one. Checks only the given databases.
    """
    del app_configs
    return [
        checks.Warning(
            "The reader of customers' queries may create temporary tables.",
            hint=managed_schema.REVOKE_TEMPORARY_HINT,
            id="warehouse.W004",
        )
        for name in databases or ()
        if _may_create_tables(name)
    ]


def _may_create_tables(database: str) -> bool:
    with connections[database].cursor() as cursor:
        cursor.execute(managed_schema.SELECT_READER_MAY_CREATE_TABLES)
        return bool(fetch_row(cursor).may_create)


@checks.register(checks.Tags.database)
def check_disk_limited(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Warn if a customer's query may fill the disk with temporary files.

    Checks only the given databases.
    """
    del app_configs
    return [
        checks.Warning(
            "Nothing limits the temporary files of a customer's query.",
            hint=DISK_HINT,
            id="warehouse.W002",
        )
        for name in databases or ()
        if not _is_disk_limited(name)
    ]


def _is_disk_limited(database: str) -> bool:
    """Return whether the service may limit it, or the server itself has a limit."""
    with connections[database].cursor() as cursor:
        condition = managed_connections.build_disk_check(
            connections[database].connection.info.server_version
        )
        cursor.execute(
            f"SELECT {condition} OR current_setting('temp_file_limit') <> '-1'"
            " AS is_limited"
        )
        return bool(fetch_row(cursor).is_limited)
