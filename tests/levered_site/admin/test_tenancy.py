"""Nothing of another organization is reachable by any address of the admin."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from levered_site.organizations.admin import OrganizationAdminMixin
from levered_site.organizations.models import Organization
from optimizations.admin import overview_filters
from optimizations.admin.create.answers import STEP_TITLES
from optimizations.models import UnfinishedOptimization
from tests.support import admin_tenants, staff_world
from tests.support.admin_tenants import STAFF_MODELS, Tenant

pytestmark = pytest.mark.django_db

CREATE_ROUTE = "optimizations_optimization_create"
FOREIGN = "zebra"  # in every text of the other organization, and in no request
# Pages that name no object, or whose objects are found by a query (tested below).
PAGES_WITHOUT_OBJECTS = {
    *("index", "login", "logout", "password_change", "password_change_done"),
    *("jsi18n", "search", "autocomplete", "app_list", "view_on_site", "set_password"),
    "optimizations_optimization_activity",
    CREATE_ROUTE,
}


PAGES_OF_LISTS = ("_add", "_changelist", "_csv_list")


@pytest.fixture
def own() -> Tenant:
    return admin_tenants.make_tenant("tiger")


@pytest.fixture
def foreign() -> Tenant:
    return admin_tenants.make_tenant(FOREIGN)


@pytest.fixture
def owner(client: Client, own: Tenant) -> Client:
    """Log in an owner of one organization, who may do most."""
    client.force_login(staff_world.make_member(own.organization, "owner"))
    return client


def list_routes() -> Iterator[tuple[str, str]]:
    """Yield pattern and name of each address of the admin."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                assert isinstance(pattern, URLPattern)
                yield route, pattern.name or ""

    yield from walk(admin.site.get_urls(), "")


def assert_hidden(answer: Any, where: str) -> None:
    """Check that a response, and those that it was redirected from, hold no trace."""
    assert answer.status_code < 500, where
    body = answer.content.decode().lower()
    found = body.find(FOREIGN)
    assert found < 0, (where, body[max(0, found - 200) : found + 80])


def test_every_page_of_what_organizations_own_is_scoped() -> None:
    """A model that leads to an organization, or that is unknown here, takes the mixin."""
    pages = admin.site._registry.items()
    scoped = {
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model, page in pages
        if isinstance(page, OrganizationAdminMixin)
    }

    assert scoped == admin_tenants.list_scoped_names()
    for model, page in pages:
        if isinstance(page, OrganizationAdminMixin):
            lookup = f"{page.organization_path}__in"
            rows = model._default_manager.filter(**{lookup: ["org"]})
            assert not rows.exists(), "the path leads from the model to an id"


def test_no_address_shows_or_changes_what_another_organization_owns(
    owner: Client, own: Tenant, foreign: Tenant
) -> None:
    before = admin_tenants.read_everything()
    colleague = User.objects.get(username=f"{FOREIGN}-owner")
    seen = set()
    for route, name in list_routes():
        parameters = re.findall(r"<(?:\w+:)?(\w+)>", route)
        if name in PAGES_WITHOUT_OBJECTS or not name:
            continue
        if route.startswith(tuple(name.replace("_", "/", 1) for name in STAFF_MODELS)):
            path = f"/admin/{re.sub('<.*?>', str(colleague.pk), route)}"
            answer = owner.get(path)
            assert answer.status_code in {302, 403, 404}, path
            assert_hidden(answer, path)
            continue
        app, model, *_ = route.split("/")
        row_name = f"{app}_{model}"
        seen.add(row_name)
        if parameters:
            assert parameters == ["object_id"], f"test what {route} shows"
            key = quote(foreign.build_url_key(row_name))
            path = reverse(f"admin:{name}", args=[key])
            form = {
                "post": "yes",
                "_form_submitted": "on",
                "name": "x",
                "role": "owner",
            }
            for answer in (owner.get(path), owner.post(path, form)):
                assert answer.status_code in {403, 404}, path
                assert_hidden(answer, path)
        else:
            path = reverse(f"admin:{name}")
            assert name.endswith(PAGES_OF_LISTS), f"test what {route} shows"
            assert_hidden(owner.get(path), path)
    bare = f"/admin/optimizations/optimization/{foreign.world.optimization.pk}/"
    assert owner.get(bare, follow=True).status_code == 404
    assert seen == admin_tenants.list_scoped_names()
    assert admin_tenants.read_everything() == before


def list_foreign_forms(foreign: Tenant) -> Iterator[dict[str, str]]:
    """Yield forms of new rows that name an organization which is not the user's."""
    form = {
        "organization": foreign.organization.pk,
        "name": "mine",
        "label": "mine",
        "username": "newcomer",
        "is_invited": "on",
        "role": "owner",
        "scopes": "read",
        "sql": foreign.world.metric.sql,
        "id_column": "anonymous_id",
        "time_column": "timestamp_utc",
        "reward_type": "bool",
    }
    yield form
    yield from ({**form, button: "asked"} for button in ("_preview", "_test"))


def test_no_form_of_a_new_row_reaches_another_organization(
    owner: Client, own: Tenant, foreign: Tenant
) -> None:
    before = admin_tenants.read_everything()
    for name in sorted(admin_tenants.list_scoped_names()):
        path = reverse(f"admin:{name}_add")
        for form in list_foreign_forms(foreign):
            assert_hidden(owner.post(path, form), f"{path} {form}")
    assert admin_tenants.read_everything() == before
    assert not User.objects.filter(username="newcomer").exists()


def test_no_step_of_a_new_optimization_shows_or_changes_what_is_not_the_users(
    owner: Client, own: Tenant, foreign: Tenant
) -> None:
    before = list(UnfinishedOptimization.objects.order_by("pk").values())
    for step in STEP_TITLES:
        path = reverse(f"admin:{CREATE_ROUTE}", args=[foreign.unfinished.pk, step])
        for answer in (owner.get(path), owner.post(path, {"do": "create"})):
            assert answer.status_code == 404, path
            assert_hidden(answer, path)
    new = reverse("admin:optimizations_optimization_add")
    assert_hidden(owner.get(new, follow=True), new)
    assert list(UnfinishedOptimization.objects.order_by("pk").values()) == before


def list_filters(name: str, foreign: Tenant) -> Iterator[dict[str, str]]:
    """Yield queries of a list that name what is not the user's."""
    rows: dict[str, Any] = foreign.rows
    keys = {
        "organization": foreign.organization.pk,
        "optimization": str(foreign.world.optimization.pk),
    }
    page: Any = admin.site._registry[type(rows[name])]
    paths: list[str] = [spec[0] for spec in page.list_filter if isinstance(spec, tuple)]
    yield {"q": str(rows[name].pk)}
    yield {f"{path}__id__exact": keys[path.rpartition("__")[2]] for path in paths}
    yield {"organization__id": foreign.organization.pk}


def test_no_list_is_opened_by_a_filter_a_search_or_an_action(
    owner: Client, own: Tenant, foreign: Tenant
) -> None:
    before = admin_tenants.read_everything()
    for name in sorted(admin_tenants.list_scoped_names()):
        path = reverse(f"admin:{name}_changelist")
        for query in list_filters(name, foreign):
            assert_hidden(owner.get(path, query, follow=True), f"{path}?{query}")
        page: Any = admin.site._registry[type(foreign.rows[name])]
        for action in getattr(page, "admin_actions", ()):
            form = {
                "action": action.name,
                ACTION_CHECKBOX_NAME: [str(foreign.rows[name].pk)],
                "confirmed": "yes",
            }
            assert_hidden(owner.post(path, form), f"{path} {action.name}")
    assert_hidden(owner.get(reverse("admin:index")), "the messages of all actions")
    assert admin_tenants.read_everything() == before


def list_autocompletes() -> list[dict[str, str]]:
    """Return a query of the choices of each field that refers to rows of a table."""
    by_target = {
        (field.related_model, field.concrete): {
            "app_label": model._meta.app_label,
            "model_name": str(model._meta.model_name),
            "field_name": field.name,
            "term": "",
        }
        for model in admin.site._registry
        for field in model._meta.get_fields()
        if field.is_relation
    }
    return list(by_target.values())


def test_search_and_autocomplete_and_the_overview_find_nothing_foreign(
    owner: Client, own: Tenant, foreign: Tenant
) -> None:
    found = ""
    for term in ("e", "page", "org_test", str(foreign.world.optimization.pk)):
        answer = owner.get(reverse("admin:search"), {"s": term, "extended": "1"})
        assert_hidden(answer, f"search {term}")
        found += answer.content.decode()
    assert "tiger page" in found, "what is the user's own is found"
    for query in list_autocompletes():
        assert_hidden(owner.get(reverse("admin:autocomplete"), query), str(query))
    for path in ("", "organizations/", "optimizations/", "metrics/", "jsi18n/"):
        assert_hidden(owner.get(f"/admin/{path}"), path)
    assert owner.get("/admin/").content.decode().count("tiger page") > 0
    activity = owner.get(reverse("admin:optimizations_optimization_activity"))
    assert_hidden(activity, "the last 24 hours")
    assert activity.content.decode().count("tiger") > 0
    for query in (
        {"organization": foreign.organization.pk},
        {"q": FOREIGN[:4]},
        {"q": str(foreign.world.optimization.pk)},
        {"waiting": "yes"},
        *({"sort": sort} for sort in overview_filters.SORTS),
    ):
        assert_hidden(owner.get("/admin/", query), str(query))
    for row in foreign.rows.values():
        kind = ContentType.objects.get_for_model(type(row)).pk
        path = reverse("admin:view_on_site", args=[kind, row.pk])
        assert owner.get(path).status_code == 404


def test_an_object_of_ones_own_refers_to_nothing_foreign(
    client: Client, own: Tenant, foreign: Tenant
) -> None:
    """Choices are of the organization, and a foreign id is no choice."""
    draft = staff_world.make_optimization(
        own.organization, own.world.metric, "draft", status="draft"
    )
    client.force_login(staff_world.make_member(own.organization, "owner"))
    path = reverse("admin:optimizations_optimization_settings", args=[draft.pk])
    page = client.get(path)

    metric = str(foreign.world.metric.pk)
    form = {"shown_values": "{}", "reward_metric": metric, "guardrail_metrics": metric}
    answer = client.post(path, form)

    draft.refresh_from_db()
    assert_hidden(page, "form")
    assert_hidden(answer, "refused form")
    assert draft.reward_metric == own.world.metric
    assert not draft.guardrail_metrics.exists()


def test_two_roles_of_a_user_stay_apart(client: Client) -> None:
    """An owner here who views there changes nothing there."""
    here, there = admin_tenants.make_tenant("here"), admin_tenants.make_tenant("there")
    user = staff_world.make_member(here.organization, "owner")
    staff_world.make_member(there.organization, "viewer")
    client.force_login(user)
    listing = reverse("admin:optimizations_optimization_changelist")
    targets: list[Model] = [here.world.optimization, there.world.optimization]
    form = {
        "action": "stop",
        ACTION_CHECKBOX_NAME: [str(target.pk) for target in targets],
        "confirmed": "yes",
    }

    messages = client.post(listing, form, follow=True).content.decode()
    path = reverse(
        "admin:optimizations_optimization_settings", args=[there.world.optimization.pk]
    )
    page = client.get(path)
    answer = client.post(path, {"name": "mine"})

    for tenant, status in ((here, "completed"), (there, "live")):
        tenant.world.optimization.refresh_from_db()
        assert tenant.world.optimization.status == status
    assert "there page: Stop takes the owner" in messages
    assert (page.status_code, answer.status_code) == (200, 403)
    assert 'name="_save"' not in page.content.decode()
    assert "do-stop" not in page.content.decode()


def test_a_membership_that_is_gone_closes_everything(client: Client) -> None:
    tenant = admin_tenants.make_tenant(FOREIGN)
    user = staff_world.make_member(tenant.organization, "owner")
    client.force_login(user)
    path = reverse("admin:organizations_organization_change", args=["org"])
    path = path.replace("org/change", f"{quote(tenant.organization.pk)}/change")
    opened = client.get(path)

    user.staff_memberships.all().delete()

    assert opened.status_code == 200
    assert client.get(path).status_code == 403
    assert_hidden(client.get("/admin/"), "overview")
    assert Organization.objects.filter(pk=tenant.organization.pk).exists()


def test_no_route_of_the_admin_lies_outside_the_site() -> None:
    """What the walk above finds is all there is below /admin/."""
    below = [
        pattern
        for pattern in get_resolver().url_patterns
        if str(pattern.pattern).startswith("admin")
    ]
    assert len(below) == 1
