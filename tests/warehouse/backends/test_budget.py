"""The byte budget of an organization's queries."""

import uuid

import pytest
from pytest_django import Settings

from warehouse.backends import byte_budget
from warehouse.backends.errors import QueryFailedError

MEBI = 2**20


def test_each_organization_has_its_own_daily_budget(
    settings: Settings,
) -> None:
    settings.BIGQUERY_BYTES_PER_QUERY = 60 * MEBI
    settings.BIGQUERY_BYTES_PER_DAY = 100 * MEBI
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())

    byte_budget.spend_bytes(mine, 60 * MEBI)
    with pytest.raises(QueryFailedError, match="a day"):
        byte_budget.spend_bytes(mine, 50 * MEBI)
    byte_budget.spend_bytes(mine, 40 * MEBI)  # the refused query was not counted
    byte_budget.spend_bytes(other, 60 * MEBI)


def test_a_query_that_is_too_large_is_refused_with_its_size(settings: Settings) -> None:
    settings.BIGQUERY_BYTES_PER_QUERY = 60 * MEBI

    with pytest.raises(QueryFailedError, match="read 62,914,561 bytes"):
        byte_budget.spend_bytes(str(uuid.uuid4()), 60 * MEBI + 1)
