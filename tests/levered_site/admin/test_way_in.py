"""The way into the admin: the start page, the log-in, pages of what is not there."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.support import admin_forms, staff_world

pytestmark = pytest.mark.django_db

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_at_the_root_is_sent_to_the_overview(client: Client) -> None:
    answer = client.get("/", headers={"Accept": BROWSER})

    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_clients_of_the_api_get_the_same_answer_at_the_root(
    client: Client, accept: str
) -> None:
    answers = [
        client.get("/", headers={"Accept": accept}),
        client.post("/", headers={"Accept": BROWSER}),
    ]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "There is no endpoint at /."


def test_the_login_leads_to_the_overview_or_where_one_wanted_to_go(
    client: Client,
) -> None:
    staff_world.make_superuser(password=staff_world.PASSWORD)
    form = {"username": "root", "password": staff_world.PASSWORD}

    wanted = "/admin/metrics/metric/"
    queries = {"": reverse("admin:index"), f"?next={wanted}": wanted}
    for query, target in queries.items():
        answer = client.post(reverse("admin:login") + query, form)
        assert (answer.status_code, answer["Location"]) == (302, target)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/nothing/", 404),
        ("/admin/optimizations/optimization/nothing/results/", 404),
        ("/admin/organizations/organization/add/", 403),
        ("/admin/auth/user/", 403),
    ],
)
def test_pages_of_what_is_not_there_or_refused_have_the_menu(
    client: Client, path: str, status: int
) -> None:
    organization = staff_world.make_world().organization
    client.force_login(staff_world.make_member(organization, "editor"))

    answer = client.get(path)

    page = answer.content.decode()
    assert answer.status_code == status
    assert 'id="nav-sidebar-apps"' in page
    assert reverse("admin:optimizations_optimization_changelist") in page
    assert reverse("admin:auth_user_changelist") not in page
    assert "Go to the overview" in page


def test_a_form_that_is_too_old_is_refused_on_a_page_with_the_menu() -> None:
    world = staff_world.make_world()
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff_world.make_member(world.organization, "editor"))

    answer = client.post(admin_forms.build_change_url(world.metric), {"name": "New"})
    login = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {})

    assert (answer.status_code, login.status_code) == (403, 403)
    assert "this form is too old" in answer.content.decode()
    assert 'id="nav-sidebar-apps"' in answer.content.decode()


def test_whoever_is_not_logged_in_is_asked_to_first(client: Client) -> None:
    User.objects.create_user("visitor")

    answer = client.get("/admin/nothing/")

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))
