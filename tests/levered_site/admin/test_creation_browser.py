"""People create keys, connections and colleagues in a real browser."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import Page, expect

from levered_site.organizations.models import ApiKey
from tests.support import chromium, factories, staff_world
from tests.support.page_widths import LIST_CUT
from tests.support.second_postgres import SecondServer, run_second_server
from tests.support.staff_browser import log_in
from warehouse.models import Connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
ADD_KEY = "admin:organizations_apikey_add"
ADD_CONNECTION = "admin:warehouse_connection_add"
ADD_ROLE = "admin:organizations_staffmembership_add"


@pytest.fixture
def server() -> Iterator[SecondServer]:
    """Run a customer's Postgres, which this service may reach."""
    with (
        run_second_server() as running,
        override_settings(WAREHOUSE_ALLOW_PRIVATE=True),
    ):
        yield running


def test_a_person_makes_a_key_by_keyboard_and_copies_it(
    page: Page, complaints: list[str]
) -> None:
    acme = factories.make_organization("Acme")
    log_in(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(reverse("admin:organizations_apikey_changelist"))
    page.get_by_title("Add API key").press("Enter")

    expect(page.locator("#id_label")).to_be_focused()
    page.keyboard.type("backend")
    page.get_by_label("serve: ask for variants").press("Space")
    page.get_by_label("track: stand in a web page").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator("#id_scopes_errors")).to_contain_text("cannot be combined")
    page.get_by_label("track: stand in a web page").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    secret = page.get_by_label("The key", exact=True)
    expect(secret).to_be_visible()
    text = secret.input_value()
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied.")).to_be_visible()

    assert page.evaluate("navigator.clipboard.readText()") == text
    key = ApiKey.objects.get()
    assert (key.organization, key.scopes) == (acme, ["ingest", "serve"])
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("link", name="backend")).to_be_visible()
    assert complaints == []


def test_a_person_connects_a_warehouse_after_testing_it(
    page: Page, complaints: list[str], server: SecondServer
) -> None:
    acme = factories.make_organization("Acme")
    log_in(page)
    page.goto(reverse(ADD_CONNECTION))
    page.get_by_role("link", name="BigQuery").click()
    expect(page.get_by_label("Key file of the service account")).to_be_visible()
    page.get_by_role("link", name="Postgres").click()

    for name in ("host", "database", "username"):
        page.locator(f"#id_{name}").fill(str(server.credentials[name]))
    page.locator("#id_port").fill("70000")
    page.get_by_label("Password").fill(server.credentials["password"])
    page.get_by_label("Encryption").select_option("disable")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#id_port_errors")).to_contain_text("must be 1 to 65535")
    page.locator("#id_port").fill(str(server.port))
    page.get_by_role("button", name="Test", exact=True).click()
    found = page.locator("#connection-found")
    expect(found).to_contain_text("Connected")
    expect(found).to_contain_text("shop.orders")
    expect(page.get_by_text("Connecting…")).to_be_hidden()
    expect(page.locator("#id_port_errors")).to_be_empty()
    assert not Connection.objects.exists()
    page.get_by_role("button", name="Test and save").click()

    expect(page.get_by_text("Created: ")).to_be_visible()
    assert Connection.objects.get().organization == acme
    assert complaints == []


def test_a_person_invites_a_colleague_who_logs_in(
    page: Page, complaints: list[str]
) -> None:
    factories.make_organization("Acme")
    log_in(page)
    page.goto(reverse(ADD_ROLE))
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Invite: create this user").check()
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Save").click()
    link = page.get_by_label("The link to set a password").input_value()

    page.context.clear_cookies()
    page.goto(link)
    page.locator("#id_new_password1").fill(staff_world.PASSWORD)
    page.locator("#id_new_password2").fill(staff_world.PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is set.")).to_be_visible()
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(staff_world.PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page).to_have_title("Overview | Levered")
    assert User.objects.get(username="ann").last_login is not None
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1400])
def test_no_form_of_a_new_row_is_cut(
    page: Page, complaints: list[str], width: int
) -> None:
    factories.make_organization("Acme")
    log_in(page)
    page.set_viewport_size({"width": width, "height": 900})
    forms = [reverse(ADD_KEY), reverse(ADD_ROLE), reverse("admin:metrics_metric_add")]
    providers = ("postgres", "snowflake", "bigquery", "managed")
    forms += [f"{reverse(ADD_CONNECTION)}?provider={name}" for name in providers]

    cut = {}
    for path in forms:
        page.goto(path)
        cut[path] = page.evaluate(LIST_CUT)

    assert {path: found for path, found in cut.items() if found} == {}
    assert complaints == []
