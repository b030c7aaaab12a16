"""With the parser switched off, nobody becomes another organization, nor the service."""

import uuid
from pathlib import Path

import pytest
from django.db import connection

from tests.support import warehouse_events
from tests.support.reference_cube import Reward
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed
from warehouse.backends.base import QueryFailedError
from warehouse.sql.customer.managed_schema import ARE_SETTINGS_OPEN

pytestmark = pytest.mark.django_db(transaction=True)

# One attack a line: each tries to be somebody else, and most then read what is theirs.
ATTACKS = Path(__file__).with_name("masquerades.sql").read_text().splitlines()


@pytest.mark.parametrize("sql", ATTACKS)
def test_a_query_stays_who_it_is(sql: str) -> None:
    for organization in ("org_a", "org_b"):
        reward = Reward(f"user of {organization}", parse_moment("2026-03-02 10:00"))
        warehouse_events.store_events(organization, str(uuid.uuid4()), [], [reward])

    with (
        pytest.raises(QueryFailedError) as refused,
        managed.build_backend("org_a")._open_cursor(seconds=5) as cursor,
    ):
        cursor.execute(sql)

    assert "user of" not in refused.value.message


def test_the_function_that_changes_settings_is_the_services_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ARE_SETTINGS_OPEN)
        (are_open,) = cursor.fetchone()
        cursor.execute("SELECT set_config('lock_timeout', '1s', true)")
        (changed,) = cursor.fetchone()

    assert (are_open, changed) == (False, "1s")
