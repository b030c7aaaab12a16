"""System checks of the database: only the service may change settings in it."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import connections

from levered_site.database import fetch_row
from warehouse.sql.customer import managed_schema


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
