"""Bytes that an organization may read where reading costs money."""

import uuid

import pytest
from pytest_django import Settings

from warehouse.backends import budget
from warehouse.backends.base import QueryFailedError

MEBI = 2**20


def test_a_day_ends_for_one_organization_and_not_for_another(
    settings: Settings,
) -> None:
    settings.BIGQUERY_BYTES_PER_QUERY = 60 * MEBI
    settings.BIGQUERY_BYTES_PER_DAY = 100 * MEBI
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())

    budget.spend(mine, 60 * MEBI)
    with pytest.raises(QueryFailedError, match="a day"):
        budget.spend(mine, 50 * MEBI)
    budget.spend(mine, 40 * MEBI)  # what was refused was not counted
    budget.spend(other, 60 * MEBI)


def test_one_query_too_large_is_refused_with_its_size(settings: Settings) -> None:
    settings.BIGQUERY_BYTES_PER_QUERY = 60 * MEBI

    with pytest.raises(QueryFailedError, match="read 62,914,561 bytes"):
        budget.spend(str(uuid.uuid4()), 60 * MEBI + 1)
