"""The form of a connection: it tests itself, stores what the API stores, echoes no secret."""

from typing import Any

import pytest
from django.test import Client

from levered_site.organizations.models import AuditEntry, Organization
from tests.support import admin_forms, factories, staff_world
from tests.support.admin_actions import confirm_action, read_last_audit, read_messages
from tests.support.second_postgres import PASSWORD, SecondServer
from warehouse import connections
from warehouse.models import Connection

pytestmark = pytest.mark.django_db
PATH = admin_forms.build_add_url(Connection)


@pytest.fixture
def shop() -> Organization:
    return factories.make_organization("Shop")


@pytest.fixture
def owner(client: Client, shop: Organization) -> Client:
    """Log in an owner of the organization."""
    client.force_login(staff_world.make_member(shop, "owner"))
    return client


def fill(client: Client, provider: str = "postgres", **values: Any) -> dict[str, Any]:
    """Return the form of a provider, with what a person enters."""
    form = admin_forms.open_add_form(client, Connection, provider=provider)
    return {**form, **values}


def press(client: Client, button: str, form: dict[str, Any]) -> Any:
    """Press a button of the form, as its page does."""
    provider = "postgres" if "host" in form else "snowflake"
    provider = "bigquery" if "key_file" in form else provider
    return client.post(
        f"{PATH}?provider={provider}",
        {**form, button: "1"},
        headers={"HX-Request": "true"},
    )


def read_marked(answer: Any) -> dict[str, str]:
    """Return the errors of a fragment, by the field that they are beside."""
    fragment = answer.content.decode()
    parts = fragment.split('hx-swap-oob="innerHTML:#id_')[1:]
    return {part.partition("_errors")[0]: part for part in parts if "errorlist" in part}


def test_the_test_says_what_it_found_and_stores_nothing(
    owner: Client, second: SecondServer
) -> None:
    answer = press(owner, "_test", fill(owner, **second.credentials))

    found = answer.content.decode()
    assert read_marked(answer) == {}
    assert "<b>Connected</b> in" in found
    for table in ("public.bought", "public.shown", "shop.orders"):
        assert table in found
    assert "public.secrets" not in found
    assert PASSWORD not in found
    assert not Connection.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_saved_connection_is_the_apis(
    owner: Client, shop: Organization, second: SecondServer
) -> None:
    answer = press(owner, "_save", fill(owner, **second.credentials))

    connection = Connection.objects.get()
    page = owner.get(answer["HX-Redirect"])
    assert answer["HX-Redirect"] == admin_forms.build_change_url(connection)
    assert read_messages(page) == [f"Created: {connection}"]
    assert PASSWORD not in page.content.decode()
    assert read_last_audit() == ("warehouse.connect", "staff", "clerk")
    assert PASSWORD not in str(AuditEntry.objects.values())
    assert connections.test_connection(shop.pk).success
    api = factories.make_member_api(shop)
    body = factories.read_body(api.get("/warehouse/connections"))
    assert body["connection"]["id"] == str(connection.pk)


def test_warnings_about_the_role_are_shown_before_and_after(
    owner: Client, second: SecondServer
) -> None:
    with second.owner() as superuser:
        superuser.execute("GRANT INSERT ON public.bought TO reader")
    try:
        form = fill(owner, **second.credentials)
        tested = press(owner, "_test", form)
        saved = press(owner, "_save", form)
        page = owner.get(saved["HX-Redirect"])
    finally:
        with second.owner() as superuser:
            superuser.execute("REVOKE INSERT ON public.bought FROM reader")

    warning = "The role may change tables. Connect one that may only read."
    assert warning in tested.content.decode()
    assert warning in read_messages(page)


@pytest.mark.parametrize("button", ["_test", "_save"])
def test_a_wrong_password_is_the_warehouses_message(
    owner: Client, second: SecondServer, button: str
) -> None:
    form = fill(owner, **{**second.credentials, "password": "not-the-Passw0rd"})

    answer = press(owner, button, form)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "password authentication failed" in text
    assert "not-the-Passw0rd" not in text
    assert not Connection.objects.exists()


@pytest.mark.parametrize("button", ["_test", "_save"])
@pytest.mark.parametrize(
    ("values", "field", "complaint"),
    [
        ({"host": ""}, "host", "required"),
        ({"port": "many"}, "port", "must be 1 to 65535"),
        ({"port": "70000"}, "port", "must be 1 to 65535"),
        ({"database": "a b"}, "database", "without spaces"),
        ({"username": ""}, "username", "required"),
        ({"sslmode": "maybe"}, "sslmode", "must be one of"),
        ({"organization": "org_nobody"}, "organization", "valid choice"),
    ],
)
def test_an_error_stands_beside_its_field(
    owner: Client,
    private_allowed: None,
    button: str,
    values: dict[str, str],
    field: str,
    complaint: str,
) -> None:
    right = {
        "host": "127.0.0.1",
        "database": "shop",
        "username": "reader",
        "password": PASSWORD,
    }

    answer = press(owner, button, fill(owner, **{**right, **values}))

    marked = read_marked(answer)
    assert list(marked) == [field]
    assert complaint in marked[field]
    assert PASSWORD not in answer.content.decode()
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "required"),
        ("no JSON", "not the JSON of a key file"),
        ("[1]", "not the JSON of a key file"),
        ("[" * 50_000, "not the JSON of a key file"),
        ('{"type": "user"}', "must be service_account"),
        (
            '{"type": "service_account", "private_key": "s3cret"}',
            "private_key: must be",
        ),
    ],
)
def test_an_error_of_a_key_file_names_its_part(
    owner: Client, text: str, complaint: str
) -> None:
    answer = press(owner, "_test", fill(owner, "bigquery", key_file=text))

    marked = read_marked(answer)
    assert list(marked) == ["key_file"]
    assert complaint in marked["key_file"]
    assert "s3cret" not in answer.content.decode()


def test_snowflake_needs_a_password_or_a_key(owner: Client) -> None:
    names = ("account", "username", "warehouse", "database", "schema")
    form = fill(owner, "snowflake", **dict.fromkeys(names, "shop"))

    answer = press(owner, "_test", form)

    marked = read_marked(answer)
    assert list(marked) == ["password"]
    assert "either a password or a private_key" in marked["password"]


@pytest.mark.parametrize("provider", ["postgres", "snowflake", "bigquery"])
def test_a_page_with_errors_holds_no_secret(owner: Client, provider: str) -> None:
    secrets = ("password", "private_key", "key_file")
    form = fill(owner, provider)
    typed = {name: "s3cret-Passw0rd" for name in secrets if name in form}

    page = owner.post(f"{PATH}?provider={provider}", {**form, **typed})

    assert typed
    assert page.status_code == 200
    assert "s3cret-Passw0rd" not in page.content.decode()


def test_the_built_in_store_is_chosen_again(
    owner: Client, shop: Organization, second: SecondServer
) -> None:
    press(owner, "_save", fill(owner, **second.credentials))
    form = fill(owner, "managed")

    tested = owner.post(f"{PATH}?provider=managed", {**form, "_test": "1"})
    saved = owner.post(f"{PATH}?provider=managed", form)

    assert "<b>Connected</b>" in tested.content.decode()
    assert saved.status_code == 302
    assert Connection.objects.get().provider == "managed"


def test_a_stored_connection_is_tested_and_disconnected_by_buttons(
    owner: Client, shop: Organization, second: SecondServer
) -> None:
    press(owner, "_save", fill(owner, **second.credentials))
    connection = Connection.objects.get()

    tested = confirm_action(owner, connection, "test")
    with second.owner() as superuser:
        superuser.execute("ALTER ROLE reader NOLOGIN")
        failed = confirm_action(owner, connection, "test")
        superuser.execute("ALTER ROLE reader LOGIN")
    gone = confirm_action(owner, connection, "disconnect")

    assert f"Connected: {connection}" in tested
    assert "not permitted to log in" in failed[-1]
    assert gone[-1] == f"Disconnected: {connection}"
    assert not connections.is_connected(shop.pk)


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_owners_connect(client: Client, shop: Organization, role: str) -> None:
    client.force_login(staff_world.make_member(shop, role))

    answers = [client.get(PATH), client.post(PATH, {}), client.post(PATH, {"_test": 1})]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert PATH not in client.get("/admin/warehouse/connection/").content.decode()
