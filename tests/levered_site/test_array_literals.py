"""Array literals: the database reads what was written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings, strategies as st

from levered_site.array_literals import format_array
from levered_site.database import fetch_row

pytestmark = pytest.mark.django_db

stored_texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)


def _read_array(values: list[Any], element_type: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT %s::{element_type}[] AS elements", [format_array(values)]
        )
        elements: list[Any] = fetch_row(cursor).elements
        return elements


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.none()
        | stored_texts
        | st.sampled_from(["null", "NULL", '"', "\\", "\\n", "\n", "{,}", "\x7f", "é"])
    )
)
def test_texts_come_back_as_they_were(values: list[str | None]) -> None:
    assert _read_array(values, "text") == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.none() | st.floats(-1e15, 1e15)),
    st.lists(st.none() | st.integers(0, 2**31 - 1)),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=36_500))),
)
def test_numbers_and_times_come_back_as_they_were(
    floats: list[float], integers: list[int], ages: list[timedelta]
) -> None:
    times = [datetime(2000, 1, 1, tzinfo=UTC) + age for age in ages]
    assert _read_array(floats, "float8") == floats
    assert _read_array(integers, "integer") == integers
    assert _read_array(times, "timestamptz") == times
