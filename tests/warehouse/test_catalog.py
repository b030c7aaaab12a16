"""The catalog of a connected warehouse: bounded, searched, and complete."""

from urllib.parse import quote

import pytest

from tests.support import factories
from tests.support.factories import read_body, read_error
from tests.support.second_postgres import PASSWORD, SecondServer
from tests.support.shop import connect_warehouse
from warehouse.backends.base import MAX_TABLES

pytestmark = pytest.mark.django_db(transaction=True)

CREATE_MANY = """DO $$ BEGIN
  FOR number IN 1..1500 LOOP
    EXECUTE format('CREATE VIEW %1$s.v_%2$s AS SELECT 1 AS a', '{schema}', number);
  END LOOP;
END $$"""
ODD_TABLES = ("a/b?c", "dotted.name", 'quo"te', "Ünïcode", "%2F")


@pytest.fixture
def alice(second: SecondServer) -> factories.Api:
    """Return an admin whose organization is connected to the second server."""
    admin = factories.make_admin_api(factories.make_organization())
    connect_warehouse(admin, second)
    return admin


def list_tables(alice: factories.Api, search: str = "") -> tuple[list[str], bool]:
    body = read_body(alice.get(f"/warehouse/tables?search={quote(search)}"))
    names = [f"{table['schema']}.{table['name']}" for table in body["tables"]]
    return names, body["truncated"]


def test_a_long_list_says_that_it_is_cut_and_can_be_searched(
    second: SecondServer, alice: factories.Api
) -> None:
    with second.owner() as owner:
        for schema in ("many_a", "many_b"):
            owner.execute(f"CREATE SCHEMA {schema}")
            owner.execute(CREATE_MANY.replace("{schema}", schema))
            owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
            owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
        try:
            everything, found = list_tables(alice), list_tables(alice, "MANY_B.v_1499")
        finally:
            for schema in ("many_a", "many_b"):
                owner.execute(f"DROP SCHEMA {schema} CASCADE")

    assert (len(everything[0]), everything[1]) == (MAX_TABLES, True)
    assert found == (["many_b.v_1499"], False)
    assert list_tables(alice, "bought") == (["public.bought"], False)
    assert list_tables(alice, "no such") == ([], False)
    assert list_tables(alice, "%") == ([], False)


def test_a_search_has_a_limit(alice: factories.Api) -> None:
    refused = alice.get(f"/warehouse/tables?search={'x' * 201}")

    assert read_error(refused)["details"][0]["field"] == "search"


def test_a_grant_on_one_column_is_enough_to_be_listed(
    second: SecondServer, alice: factories.Api
) -> None:
    with second.owner() as owner:
        owner.execute("CREATE TABLE public.partly (shown text, hidden text)")
        owner.execute("GRANT SELECT (shown) ON public.partly TO reader")
        try:
            found = list_tables(alice, "partly")
            columns = read_body(alice.get("/warehouse/tables/partly/columns"))[
                "columns"
            ]
        finally:
            owner.execute("DROP TABLE public.partly")

    assert found == (["public.partly"], False)
    assert [column["name"] for column in columns] == ["shown"]


@pytest.mark.parametrize(
    ("right", "warnings"),
    [
        ("LOGIN", None),
        ("SUPERUSER", ["The role is a superuser. Connect one that may only read."]),
        ("INSERT", ["The role may change tables. Connect one that may only read."]),
    ],
)
def test_a_role_that_may_more_than_read_is_warned_about(
    second: SecondServer, right: str, warnings: list[str] | None
) -> None:
    admin = factories.make_admin_api(factories.make_organization())
    role = f"warned_{right.lower()}"
    body = {
        "provider": "postgres",
        "credentials": {**second.credentials, "username": role},
    }
    with second.owner() as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        if right == "INSERT":
            owner.execute(f"GRANT INSERT ON public.bought TO {role}")
        else:
            owner.execute(f"ALTER ROLE {role} {right}")
        try:
            connected = read_body(admin.post("/warehouse/connections", body))
            tested = read_body(admin.post("/warehouse/connections/test"))
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")

    assert connected.get("warnings") == tested.get("warnings") == warnings


@pytest.mark.parametrize("name", ODD_TABLES)
def test_a_table_of_any_name_has_its_columns(
    second: SecondServer, alice: factories.Api, name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    spellings = [name, quoted, f"shop.{name}", f"shop.{quoted}", f'"shop".{quoted}']
    with second.owner() as owner:
        owner.execute(f"CREATE TABLE shop.{quoted} (a integer)")
        owner.execute(f"CREATE TABLE public.{quoted} (b integer)")
        owner.execute(f"GRANT SELECT ON shop.{quoted}, public.{quoted} TO reader")
        try:
            answers = [
                alice.get(f"/warehouse/tables/{quote(spelling, safe='')}/columns")
                for spelling in spellings
            ]
        finally:
            owner.execute(f"DROP TABLE shop.{quoted}, public.{quoted}")

    names = [read_body(answer)["columns"][0]["name"] for answer in answers]
    assert names == ["b", "b", "a", "a", "a"]


FOLDED = {
    "FOLDED": "lower",
    "Public.FOLDED": "lower",
    '"public".FOLDED': "lower",
    'PUBLIC."folded"': "lower",
    "Folded": "mixed",  # exact, as the list of tables has it
    '"Folded"': "mixed",
    "public.Folded": "mixed",
    '"FOLDED"': None,
    '"PUBLIC".folded': None,
}


def test_a_name_without_quotes_is_folded_as_a_query_folds_it(
    second: SecondServer, alice: factories.Api
) -> None:
    with second.owner() as owner:
        owner.execute("CREATE TABLE public.folded (lower integer)")
        owner.execute('CREATE TABLE public."Folded" (mixed integer)')
        owner.execute('GRANT SELECT ON public.folded, public."Folded" TO reader')
        try:
            found = {name: find_first_column(alice, name) for name in FOLDED}
            query = {"sql": 'SELECT lower FROM "FOLDED"'}
            failed = read_error(alice.post("/warehouse/query", query))
        finally:
            owner.execute('DROP TABLE public.folded, public."Folded"')

    assert found == FOLDED
    assert "There is no table public.FOLDED (line 1)" in failed["message"]


def test_a_table_may_be_named_with_the_connected_database_as_in_a_query(
    second: SecondServer, alice: factories.Api
) -> None:
    database = second.credentials["database"]
    names = [
        f"{database}.shop.orders",
        f'"{database}"."shop"."orders"',
        f"{database.upper()}.Shop.ORDERS",
    ]
    others = ["other.shop.orders", f'"{database.upper()}".shop.orders', database]

    for name in names:
        query = {"sql": f"SELECT * FROM {name} LIMIT 1"}  # noqa: S608
        assert alice.post("/warehouse/query", query).status_code == 200
        assert find_first_column(alice, name) == "user"
    assert [find_first_column(alice, name) for name in others] == [None] * len(others)


def find_first_column(alice: factories.Api, table: str) -> str | None:
    """Return the first column of a table; None where there is no such table."""
    answer = alice.get(f"/warehouse/tables/{quote(table, safe='')}/columns")
    if answer.status_code == 404:
        return None
    name: str = read_body(answer)["columns"][0]["name"]
    return name
