"""No page offers its user a link that is refused, and no page takes many queries."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve, reverse
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import ApiKey, StaffMembership
from metrics.models import Metric
from tests.support import admin_forms, admin_tenants, staff_world
from tests.support.admin_tenants import Tenant
from warehouse.models import Connection

pytestmark = pytest.mark.django_db

LINK = re.compile(r"""(?<![\w:-])(?:href|hx-get)=["']([^"'#]+)""")
MAX_QUERIES = 12


@pytest.fixture
def tenant() -> Tenant:
    return admin_tenants.make_tenant("tiger")


def find_links(page: str, text: str) -> Iterator[str]:
    """Yield what a page of the admin links to within it, without the log-out."""
    for link in LINK.findall(text):
        target = urljoin(page, html.unescape(link))
        parts = urlsplit(target)
        if parts.path.startswith("/admin/") and not parts.path.endswith("/logout/"):
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path


def walk_links(client: Client) -> dict[str, tuple[int, str]]:
    """Follow every link from the overview on; return status and origin of each.

    Of links to the same view follow one, the one that asks for nothing in particular:
    roles do not depend on a query.
    """
    waiting, seen = [("", reverse("admin:index"))], set[str]()
    statuses: dict[str, tuple[int, str]] = {}
    while waiting:
        origin, path = waiting.pop()
        parts = urlsplit(path)
        view = resolve(parts.path).view_name
        if view in seen:
            continue
        seen.add(view)
        answer = client.get(path, follow=True)
        statuses[path] = answer.status_code, origin
        kind = answer.headers.get("Content-Type", "")
        if answer.status_code == 200 and kind.startswith("text/html"):
            links = sorted(
                find_links(parts.path, answer.content.decode()),
                key=lambda link: "?" not in link,
            )
            waiting += [(path, link) for link in links]
    return statuses


@pytest.mark.parametrize("role", ["viewer", "editor", "owner", None])
def test_no_link_leads_to_a_refusal(
    client: Client, tenant: Tenant, role: str | None
) -> None:
    """A page says nothing of what its user may not do."""
    if role is None:
        user = User.objects.create_user("new", is_staff=True)
    else:
        user = staff_world.make_member(tenant.organization, role)
    client.force_login(user)

    statuses = walk_links(client)
    refused = {path: why for path, why in statuses.items() if why[0] != 200}
    assert not refused
    opened = {urlsplit(path).path for path in statuses}
    lists = {
        reverse(f"admin:{name}_changelist")
        for name in admin_tenants.list_scoped_names()
    }
    assert lists <= opened if role else not lists & opened
    pages = {resolve(path).view_name for path in opened}
    dialogs = {name for name in pages if "_do_" in name}
    assert ("admin:optimizations_decision_change" in pages) == (role is not None)
    assert bool(dialogs) == (role in {"editor", "owner"})


def test_lists_and_pages_of_members_take_few_queries(
    client: Client,
    tenant: Tenant,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user = staff_world.make_member(tenant.organization, "editor")
    for number in range(4):
        other = staff_world.make_world(f"Shop {number}")
        staff_world.make_member(other.organization, "viewer")
    client.force_login(user)

    for name in admin_tenants.list_scoped_names():
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = client.get(reverse(f"admin:{name}_changelist"))
        assert answer.status_code == 200
    with django_assert_max_num_queries(MAX_QUERIES):
        assert client.get("/admin/nothing/").status_code == 404


def test_forms_of_new_rows_and_of_metrics_take_few_queries(
    client: Client,
    tenant: Tenant,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user = staff_world.make_member(tenant.organization, "owner")
    for number in range(4):
        other = staff_world.make_world(f"Shop {number}")
        staff_world.make_member(other.organization, "owner")
    client.force_login(user)
    models = (Metric, ApiKey, Connection, StaffMembership)

    paths = [admin_forms.build_add_url(model) for model in models]
    for path in (*paths, admin_forms.build_change_url(tenant.world.metric)):
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = client.get(path)
        assert answer.status_code == 200
