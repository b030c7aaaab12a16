"""The cube's text for Snowflake, run by fakesnow, counts as the reference does."""

from collections.abc import Iterator
from typing import Any

import fakesnow
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from snowflake import connector

from tests.support import histories, reference_cube
from tests.support.cube_comparison import normalize_cube
from tests.support.histories import Spelling
from tests.support.reference_cube import Reward, Touch
from warehouse.sql.cube.statement import build_statement, decode_cube
from warehouse.sql.preview import render
from warehouse.sql.shapes import CubeSpec

# fakesnow uses its database in a way that the database warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")

METRIC, SOURCE = histories.check_queries("snowflake")


@pytest.fixture(scope="module")
def cursor() -> Iterator[Any]:
    """Open a fake Snowflake with two empty tables."""
    with fakesnow.patch():
        connection = connector.connect(
            database="db",
            schema="app",
            paramstyle="qmark",
            session_parameters={"TIMEZONE": "UTC"},
        )
        cursor = connection.cursor()
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        yield cursor


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories.HISTORIES, st.lists(histories.SPELLINGS, min_size=1, max_size=3))
def test_any_history_is_counted_as_the_reference_counts_it(
    cursor: Any,
    history: tuple[CubeSpec, list[Touch], list[Reward]],
    spellings: list[Spelling],
) -> None:
    spec, touches, rewards = history
    exposures = histories.exposure_rows(touches, spellings)
    histories.replace_rows(cursor, exposures, histories.reward_rows(rewards))

    statement = build_statement(spec, METRIC, SOURCE, "snowflake")
    cursor.execute(statement.text, statement.parameters)
    cube = decode_cube(cursor.fetchall(), spec)
    cursor.execute(render.render_statement(statement, "snowflake"))
    cube_of_printed = decode_cube(cursor.fetchall(), spec)

    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, touches, rewards)
    )
    assert normalize_cube(cube_of_printed) == normalize_cube(cube)


def test_amounts_that_are_no_numbers_are_noted(cursor: Any) -> None:
    spec, touches, rewards = histories.make_unread_history()
    exposures = histories.exposure_rows(touches, [str])
    histories.replace_rows(cursor, exposures, histories.reward_rows(rewards))

    statement = build_statement(spec, METRIC, SOURCE, "snowflake")
    cursor.execute(statement.text, statement.parameters)

    histories.assert_unread_are_noted(decode_cube(cursor.fetchall(), spec))
