"""Saving an assignment source answers what looks wrong with its rows, as a preview does."""

import pytest
from django.test import override_settings

from tests.support import factories
from tests.support.factories import Api, read_body
from tests.support.second_postgres import SecondServer
from tests.support.shop import SOURCE, connect_warehouse
from warehouse import preview_warnings

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/warehouse/assignment-sources"
NO_ROWS = "SELECT * FROM shown WHERE seen >= @start_date AND false"


@pytest.fixture
def alice(second: SecondServer) -> Api:
    """Return an admin whose Postgres has exposures, each of which is wrong in a way."""
    with second.owner() as owner:
        owner.execute("""
            INSERT INTO public.shown ("user", seen, experiment, variant_text, context_text)
            VALUES ('', now(), 'e', '{}', '{}'), (NULL, now(), 'e', '{}', '{}'),
              ('u', now() + interval '2 days', 'e', 'blue', '[1]')""")
    api = factories.make_admin_api(factories.make_organization())
    connect_warehouse(api, second)
    return api


def test_a_source_that_is_saved_answers_the_warnings_of_its_preview(alice: Api) -> None:
    saved = alice.post(PATH, SOURCE)

    source = read_body(saved)
    preview = read_body(alice.post(f"{PATH}/{source['id']}/preview", {}))
    assert saved.status_code == 201
    assert source["warnings"] == preview["warnings"]
    assert [warning.split(":")[0] for warning in source["warnings"]] == [
        "Rows whose variant is not a JSON object of factors",
        "Rows whose context is not a JSON object",
        "Rows that lack anonymous_id or timestamp and do not count",
    ]
    for words in ("empty text: 1.", "in the future: 1."):
        assert words in source["warnings"][2]


def test_only_a_change_of_the_query_looks_at_the_rows(alice: Api) -> None:
    source = read_body(alice.post(PATH, SOURCE))
    path = f"{PATH}/{source['id']}"

    renamed = read_body(alice.patch(path, {"name": "shown"}))
    changed = read_body(alice.patch(path, {"sql": NO_ROWS}))
    read = read_body(alice.get(path))

    assert (renamed["name"], renamed["warnings"]) == ("shown", [])
    assert changed["warnings"] == [preview_warnings.NO_ROWS]
    assert "warnings" not in read
    assert set(changed) - {"warnings"} == set(read)


@override_settings(QUERY_TIMEOUT_SECONDS=1)
def test_a_source_whose_rows_take_too_long_is_saved_with_a_warning(alice: Api) -> None:
    numbers = "generate_series(1, 3000)"
    sql = f"SELECT shown.* FROM shown, {numbers} AS a, {numbers} AS b"  # noqa: S608 - the test's own text

    saved = alice.post(PATH, SOURCE | {"sql": sql})

    (warning,) = read_body(saved)["warnings"]
    assert saved.status_code == 201
    assert warning.startswith("The rows of the last 30 days were not checked")


@pytest.mark.parametrize("column", ["seen::date", "date_trunc('day', seen)"])
def test_a_source_of_dates_without_a_time_is_warned_about_in_preview_and_at_save(
    second: SecondServer, column: str
) -> None:
    with second.owner() as owner:
        owner.execute("""
            INSERT INTO public.shown ("user", seen, experiment, variant_text, context_text)
            SELECT 'u' || n, now(), 'e', '{}', '{}' FROM generate_series(1, 3) AS n""")
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    sql = (
        'SELECT "user", experiment, variant_text, context_text, version,'  # noqa: S608 - the test's own text
        f" {column} AS seen FROM shown WHERE seen >= @start_date"
    )

    source = {"sql": sql, "column_mapping": SOURCE["column_mapping"]}
    preview = read_body(alice.post(f"{PATH}/preview", source))
    saved = read_body(alice.post(PATH, SOURCE | {"sql": sql}))
    changed = read_body(alice.patch(f"{PATH}/{saved['id']}", {"sql": SOURCE["sql"]}))

    assert preview_warnings.SOURCE_MIDNIGHT in preview["warnings"][0]
    assert saved["warnings"] == preview["warnings"]
    assert preview_warnings.SOURCE_MIDNIGHT not in " ".join(changed["warnings"])
