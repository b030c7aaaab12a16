"""Without the parser, a query still cannot become another organization or the service."""

import uuid
from pathlib import Path

import pytest
from django.db import connection

from levered_site.database import fetch_row
from tests.support import warehouse_events
from tests.support.reference_cube import Reward
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed
from warehouse.backends.errors import QueryFailedError
from warehouse.sql.customer.managed_schema import SELECT_PUBLIC_MAY_SET_CONFIG

pytestmark = pytest.mark.django_db(transaction=True)

# One attack a line: each tries to change its identity, and most then read others' rows.
ATTACKS = Path(__file__).with_name("masquerades.sql").read_text().splitlines()


@pytest.mark.parametrize("sql", ATTACKS)
def test_a_query_cannot_change_its_identity(sql: str) -> None:
    for organization in ("org_a", "org_b"):
        reward = Reward(f"user of {organization}", parse_moment("2026-03-02 10:00"))
        warehouse_events.store_events(organization, str(uuid.uuid4()), [], [reward])

    with (
        pytest.raises(QueryFailedError) as refused,
        managed.build_backend("org_a")._open_cursor(seconds=5) as cursor,
    ):
        cursor.execute(sql)

    assert "user of" not in refused.value.message


def test_only_the_service_may_call_the_function_that_changes_settings() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SELECT_PUBLIC_MAY_SET_CONFIG)
        everyone_may = fetch_row(cursor).has_function_privilege
        cursor.execute("SELECT set_config('lock_timeout', '1s', true)")
        setting = fetch_row(cursor).set_config

    assert (everyone_may, setting) == (False, "1s")
