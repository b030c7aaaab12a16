"""System checks of the database: whether the service alone may change settings in it."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import connections

from warehouse.sql.customer import managed_schema


@checks.register(checks.Tags.database)
def check_settings_closed(
    app_configs: Sequence[AppConfig] | None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Ask whether we may call `set_config`, and whether everybody may.

    A restore brings the tables and may lose the rights, so one look at migrating is not
    enough. Asks only the databases named.
    """
    del app_configs
    return [message for name in databases or () for message in _check_database(name)]


def _check_database(database: str) -> list[checks.CheckMessage]:
    with connections[database].cursor() as cursor:
        cursor.execute(managed_schema.MAY_WE_CHANGE_SETTINGS)
        (may_we,) = cursor.fetchone() or (False,)
        cursor.execute(managed_schema.ARE_SETTINGS_OPEN)
        (may_all,) = cursor.fetchone() or (True,)
    if not may_we:
        return [
            checks.Error(
                "The service's database user may not call set_config.",
                hint=managed_schema.CLOSE_SETTINGS_BY_HAND,
                id="warehouse.E001",
            )
        ]
    if may_all:
        return [
            checks.Warning(
                "Every user of the database may call set_config.",
                hint=f"Where it stays so after migrating: {managed_schema.CLOSE_SETTINGS_BY_HAND}",
                id="warehouse.W001",
            )
        ]
    return []
