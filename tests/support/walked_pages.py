"""The addresses of the admin that `admin_walk` visits. Add a page to its group here."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.urls import reverse

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from optimizations.admin import page_head
from optimizations.admin.create.answers import STEP_TITLES
from optimizations.admin.tabs import registry
from optimizations.configuration import notes
from optimizations.sharing import links
from tests.support import (
    admin_tenants,
    listed_optimizations,
    pictures,
    result_visitors,
    staff_world,
)
from tests.support.admin_forms import EVERY_LIST
from tests.support.admin_tenants import Tenant

CREATE_ROUTE = "optimizations_optimization_create"
Group = Callable[[Tenant], list[tuple[str, int]]]


def list_overviews(tenant: Tenant) -> list[tuple[str, int]]:
    """Return the overview: as it opens, filtered, sorted, and with nothing found."""
    index = reverse("admin:index")
    return [
        (index, 200),
        (f"{index}?waiting=yes&sort=-lift&status=live", 200),
        (f"{index}?q=nothing+like+it", 200),
    ]


def list_lists(*apps: str) -> Group:
    """Return the lists of these apps, and one in which nothing is found."""

    def list_pages(_tenant: Tenant) -> list[tuple[str, int]]:
        names = [name for name in EVERY_LIST if name.partition("_")[0] in apps]
        paths = [reverse(f"admin:{name}_changelist") for name in names]
        return [
            *((path, 200) for path in paths),
            (f"{paths[0]}?q=nothing+like+it", 200),
        ]

    return list_pages


def list_apps(_tenant: Tenant) -> list[tuple[str, int]]:
    """Return the pages of the apps, and those of one's own account."""
    names = ("password_change", "password_change_done")
    apps = ("optimizations", "metrics")
    return [
        *((reverse("admin:app_list", args=[app]), 200) for app in apps),
        *((reverse(f"admin:{name}"), 200) for name in names),
    ]


def list_objects(*apps: str) -> Group:
    """Return the page of an object of each kind of these apps."""

    def list_pages(tenant: Tenant) -> list[tuple[str, int]]:
        return [
            (
                reverse(
                    f"admin:{name}_change", args=[quote(tenant.build_url_key(name))]
                ),
                200,
            )
            for name in sorted(tenant.rows)
            if name.partition("_")[0] in apps
        ]

    return list_pages


def list_staff_forms(_tenant: Tenant) -> list[tuple[str, int]]:
    """Return the forms that add a user, a group, an organization and a role."""
    names = (
        *("auth_user", "auth_group", "organizations_organization"),
        "organizations_staffmembership",
    )
    user = User.objects.get(username="root")
    return [
        (reverse("admin:auth_user_change", args=[user.pk]), 200),
        *((reverse(f"admin:{name}_add"), 200) for name in names),
    ]


def list_tabs(tenant: Tenant) -> list[tuple[str, int]]:
    """Return the tabs of an optimization that has learned, its variants as a table as well.

    Every second variant has a screenshot. One visitor and a note are among what is shown,
    and the results of one that nobody was served yet.
    """
    learned = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    metric = learned.reward_metric
    assert metric is not None
    new = staff_world.make_optimization(learned.organization, metric, "new")
    pictured = learned.variants.filter(number__in=(1, 3))
    pictured.update(screenshot=pictures.build_png())
    notes.create_note(learned, {"text": "A sale began."}, SYSTEM_ACTOR)
    names = [*(tab.name for tab in registry.TABS), registry.SETTINGS]
    decisions = registry.build_url(tenant.world.optimization, "decisions")
    paths = [
        *(registry.build_url(learned, name) for name in names),
        registry.build_url(new, "results"),
        f"{registry.build_url(learned, 'variants')}?view=table",
        f"{decisions}?visitor={tenant.word}-visitor",
        reverse(f"admin:{page_head.SHARE_URL}", args=[learned.pk]),
    ]
    return [(path, 200) for path in paths]


def list_shared_pages(tenant: Tenant) -> list[tuple[str, int]]:
    """Return the page behind a share link, and what an unknown link opens."""
    link, url = links.create_link(tenant.world.optimization, SYSTEM_ACTOR, days=7)
    return [(urlsplit(url).path, 200), (f"/{links.ROUTE}{link.pk}", 404)]


def list_creating_forms(tenant: Tenant) -> list[tuple[str, int]]:
    """Return the forms that create what teams describe."""
    names = ("metrics_metric", "organizations_apikey", "warehouse_connection")
    unfinished = tenant.unfinished
    unfinished.user = User.objects.get(username="root")  # whom alone it is shown
    unfinished.save()
    key = unfinished.pk
    return [
        *((reverse(f"admin:{name}_add"), 200) for name in names),
        *(
            (reverse(f"admin:{CREATE_ROUTE}", args=[key, step]), 200)
            for step in STEP_TITLES
        ),
    ]


def list_errors(_tenant: Tenant) -> list[tuple[str, int]]:
    """Return a page that is not there, and one that nobody may open."""
    return [
        ("/admin/nothing/", 404),
        (reverse("admin:optimizations_variant_add"), 403),
    ]


GROUPS: Mapping[str, Group] = {
    "overview": list_overviews,
    "lists of optimizations": list_lists("optimizations"),
    "lists of models, metrics and the warehouse": list_lists(
        "models", "metrics", "warehouse"
    ),
    "lists of people": list_lists("organizations", "auth", "admin"),
    "pages of optimizations": list_objects("optimizations"),
    "tabs of an optimization": list_tabs,
    "shared pages": list_shared_pages,
    "forms that create": list_creating_forms,
    "pages of models, metrics and the warehouse": list_objects(
        "models", "metrics", "warehouse"
    ),
    "pages of people": list_objects("organizations"),
    "forms of staff": list_staff_forms,
    "apps and account": list_apps,
    "errors": list_errors,
}


def make_walked_tenant() -> Tenant:
    """Make an organization with a row of every kind, and optimizations that wait."""
    tenant = admin_tenants.make_tenant("tiger")
    make_waiting(tenant)
    Organization.objects.create(id="org_lion", name="lion shop")
    return tenant


def make_waiting(tenant: Tenant) -> None:
    """Make optimizations that are broken, decided, quiet, failing and fine."""
    metric = tenant.world.metric
    counts: dict[str, dict[str, Any]] = {
        "split": {"check_reasons": [listed_optimizations.make_reason("sample_ratio")]},
        "winner": {"lift": 15.8, "lift_ci_anytime": [0.2, 34.0]},
        "quiet": {"check_reasons": [listed_optimizations.make_reason("no_rewards")]},
        "unknown": {"lift": None, "lift_ci_anytime": None},
        "failing": {"lift_ci_anytime": [-90.0, 90.0]},
    }
    for name, fields in counts.items():
        row = listed_optimizations.make_listed(tenant.organization, metric, name)
        listed_optimizations.store_count(row, **fields)
        if name == "failing":
            listed_optimizations.store_run(row, "failed", "no such table")
