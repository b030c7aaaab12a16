"""What a preview counts of a customer's rows, on connected warehouses."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.support import factories, fake_snowflake, histories, shop
from tests.support.factories import read_body
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from warehouse.backends import snowflake

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The fake reads its database in a way that its database advises against.
    pytest.mark.filterwarnings("ignore:Arrow output:UserWarning"),
]

NOW = timezone.now() - timedelta(hours=2)
ODD_STAMPS = ("infinity", "-infinity", "0044-03-15 BC", "12026-01-01")
TOUCHES = [Touch(user, NOW, "{}", "{}", 1) for user in ("Ann", " bob", "", " \t")]
REWARDS = [Reward(user, NOW) for user in ("ann", "bob", "cid", "")]
UNSAVED_METRIC = {
    "sql": 'SELECT "user", at FROM bought',
    "column_mapping": shop.METRIC["column_mapping"],
}


@pytest.fixture
def connected(second: SecondServer) -> factories.Api:
    """Return an admin of an organization whose Postgres has a source and the events."""
    api = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(api, second)
    assert api.post("/warehouse/assignment-sources", shop.SOURCE).status_code == 201
    second.store("00000000-0000-0000-0000-000000000001", TOUCHES, REWARDS)
    return api


def test_ids_of_another_spelling_are_counted_on_postgres(
    connected: factories.Api,
) -> None:
    preview = read_body(connected.post("/warehouse/preview", UNSAVED_METRIC))

    assert "2 would match in lower case" in preview["warnings"][0]


def test_one_match_hides_no_other_spelling_on_postgres(
    second: SecondServer, connected: factories.Api
) -> None:
    digest = hashlib.sha256(b"cid").hexdigest().upper()
    odd = (
        "\tDan\u00a0",
        '"eve"',
        "`fay`",
        hashlib.md5(b"cid", usedforsecurity=False).hexdigest(),
        digest,
    )
    second.store(
        "00000000-0000-0000-0000-000000000001",
        [Touch(each, NOW, "{}", "{}", 1) for each in ("cid", "dan", "eve", "fay")],
        [Reward(user, NOW) for user in odd],
    )

    preview = read_body(connected.post("/warehouse/preview", UNSAVED_METRIC))

    assert preview["warnings"][0] == (
        "Only 12% of 8 ids match an exposure. 5 more would match in lower case and "
        "without blanks or quotes around. 2 more are the MD5 or SHA-256 of an id that was "
        "served: select the id that serve requests send."
    )


def test_empty_and_blank_ids_are_counted_on_postgres(connected: factories.Api) -> None:
    source = {name: shop.SOURCE[name] for name in ("sql", "column_mapping")}

    of_metric = read_body(connected.post("/warehouse/preview", UNSAVED_METRIC))
    of_source = read_body(
        connected.post("/warehouse/assignment-sources/preview", source)
    )

    assert "an empty text: 1. They count for nobody." in " ".join(of_metric["warnings"])
    assert of_source["warnings"] == [
        "Rows whose anonymous_id is an empty text: 2. They count for nobody."
    ]


def test_infinite_and_far_times_are_shown_and_counted_on_postgres(
    second: SecondServer, connected: factories.Api
) -> None:
    with second.owner() as owner:
        for stamp in ODD_STAMPS:
            insert = 'INSERT INTO public.bought ("user", at) VALUES (%s, %s)'
            owner.execute(insert, ("ann", stamp))

    answer = connected.post("/warehouse/preview", {**UNSAVED_METRIC, "limit": 100})

    preview = read_body(answer)
    assert answer.status_code == 200
    assert {"infinity", "-infinity"} < {row[1] for row in preview["rows"]}
    assert "outside of the years 1 to 9999: 4." in " ".join(preview["warnings"])


@pytest.fixture
def snowflake_backend() -> Iterator[Any]:
    """Open a fake account with the events."""
    with fake_snowflake.run_fake_account() as cursor:
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        histories.fill_tables(cursor, TOUCHES, REWARDS)
        yield snowflake.build_backend(
            "org_a", snowflake.validate_credentials(histories.SNOWFLAKE_ACCOUNT)
        )


def test_other_spellings_and_blank_ids_are_counted_on_snowflake(
    snowflake_backend: Any,
) -> None:
    metric = snowflake_backend.validate_metric(
        f"{histories.METRIC_SQL} AND who <> ''", histories.REWARD_COLUMNS
    )
    with_blank = snowflake_backend.validate_metric(
        histories.METRIC_SQL, histories.REWARD_COLUMNS
    )
    source = snowflake_backend.validate_source(
        histories.SOURCE_SQL, histories.EXPOSURE_COLUMNS
    )
    since = NOW - timedelta(days=1)

    facts = snowflake_backend.preview_metric(metric, since, 10, source).facts
    blank_facts = snowflake_backend.preview_metric(with_blank, since, 10, source).facts
    source_facts = snowflake_backend.preview_source(source, since, 10).facts

    assert (facts.matched_users, facts.alike_users, facts.empty_ids) == (0, 2, 0)
    assert (blank_facts.empty_ids, source_facts.empty_ids) == (1, 2)


def test_a_constant_variant_that_is_no_json_is_counted_on_postgres(
    connected: factories.Api,
) -> None:
    source = {
        "sql": 'SELECT "user", seen, experiment, context_text, version,'
        " 'nojson' AS variant_text FROM shown",
        "column_mapping": shop.SOURCE["column_mapping"],
    }

    response = connected.post("/warehouse/assignment-sources/preview", source)

    assert response.status_code == 200
    assert "not a JSON object of factors: 4." in " ".join(
        read_body(response)["warnings"]
    )


def test_a_context_that_is_no_json_object_is_counted_on_postgres(
    connected: factories.Api,
) -> None:
    contexts = (
        "CASE \"user\" WHEN 'Ann' THEN 'ios' WHEN '' THEN '' WHEN ' bob' THEN 'null'"
    )
    source = {
        "sql": f'SELECT "user", seen, experiment, variant_text, version,'  # noqa: S608 - the test's own text
        f" {contexts} ELSE '[1]' END AS context_text FROM shown",
        "column_mapping": shop.SOURCE["column_mapping"],
    }

    response = connected.post("/warehouse/assignment-sources/preview", source)

    assert response.status_code == 200
    assert "context is not a JSON object: 2." in " ".join(
        read_body(response)["warnings"]
    )


def test_a_context_that_is_no_json_object_is_counted_on_snowflake(
    snowflake_backend: Any,
) -> None:
    sql = histories.SOURCE_SQL
    plain = snowflake_backend.validate_source(sql, histories.EXPOSURE_COLUMNS)
    wrong = snowflake_backend.validate_source(
        sql, {**histories.EXPOSURE_COLUMNS, "context": "who"}
    )
    since = NOW - timedelta(days=1)

    plain_facts = snowflake_backend.preview_source(plain, since, 10).facts
    facts = snowflake_backend.preview_source(wrong, since, 10).facts

    assert plain_facts.no_contexts == 0
    assert facts.no_contexts == facts.identified - 1  # an empty text is no context


@pytest.mark.parametrize(
    "flag",
    [
        "(amount > 1)::int",
        "CASE WHEN amount > 1 THEN 'yes' ELSE 'no' END",
        "CASE WHEN amount > 0 THEN true END",
        "NULL",
    ],
)
def test_saving_a_metric_that_counts_every_row_tells_of_its_flag(
    second: SecondServer, connected: factories.Api, flag: str
) -> None:
    with second.owner() as owner:
        owner.execute('UPDATE public.bought SET amount = length("user") - 2')
    sql = f'SELECT "user", at, {flag} AS converted FROM bought'  # noqa: S608 - the test's own text

    saved = connected.post("/warehouse/metrics", {**shop.METRIC, "sql": sql})
    preview = connected.post("/warehouse/preview", {**UNSAVED_METRIC, "sql": sql})

    for answer in (saved, preview):
        assert "Column 'converted' is " in read_body(answer)["warnings"][0]
