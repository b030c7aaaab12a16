"""The form creates what the API creates from the same answers, once, or nothing."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from levered_site.organizations.models import AuditEntry
from optimizations.models import Optimization, UnfinishedOptimization
from tests.support import create_requests, factories, staff_world
from tests.support.create_requests import CreateForm, build_factors
from tests.support.factories import Api
from tests.support.staff_world import World
from warehouse.models import Connection

pytestmark = pytest.mark.django_db
NEVER_EQUAL = {"id", "model_id", "created_at", "updated_at", "meta", "went_live_at"}


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


@pytest.fixture
def form(client: Client, world: World) -> CreateForm:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    return CreateForm(client)


def read_created(world: World, name: str) -> dict[str, Any]:
    """Return an optimization as the API shows it, without what no two have in common."""
    api = Api(factories.admin_token(world.organization))
    optimization = Optimization.objects.get(name=name)
    shown: Any = api.request("GET", f"/optimizations/{optimization.pk}")
    variants: Any = api.request("GET", f"/optimizations/{optimization.pk}/variants")
    fields = {key: value for key, value in shown.json().items() if key != "name"}
    for key in NEVER_EQUAL:
        fields.pop(key, None)
    return {**fields, "variants": variants.json()["variants"]}


def test_the_form_creates_what_the_api_creates(form: CreateForm, world: World) -> None:
    guardrail = staff_world.make_metric(world.organization, "Refunds")
    goal = create_requests.build_goal(world.organization, world.metric, "By form")
    form.send("goal", "continue", {**goal, "guardrails": [str(guardrail.pk)]})
    factors = build_factors(
        ("headline", ["Plain", "Bold", "Calm"]),
        ("price", ["9.5", "12"]),
        ("banner", ["false", "true"]),
        contexts=(("device", ["mobile", "desktop"]),),
    )
    factors |= {"dtype-2": "number", "dtype-3": "bool"}
    form.send(
        "factors", "continue", factors | {"exclusion": ["1.3_2.2", "1.2_2.2_3.2"]}
    )
    traffic = {
        "holdout_percentage": "12.5",
        "allocation": "thompson",
        "exploration_share": "0.05",
        "retrain_every_minutes": "90",
        "expected_users": "50000",
        "attribution_type": "first_touch",
        "conversion_window_hours": "48",
        "horizon_hours": "72",
        "allowed_origins": "https://www.shop.com\nhttps://*.shop.com",
        "public_policy": "on",
    }
    form.send("traffic", "continue", traffic)
    answer = form.send("review", "create")
    body = {
        "name": "By API",
        "reward_metric_id": str(world.metric.pk),
        "guardrail_metric_ids": [str(guardrail.pk)],
        "status": "draft",
        "training_data_config": {
            "reward": {"name": "Purchases", "type": "bool"},
            "design_factors": [
                {"name": "headline", "levels": ["Plain", "Bold", "Calm"]},
                {"name": "price", "levels": [9.5, 12]},
                {"name": "banner", "levels": [False, True]},
            ],
            "context_factors": [{"name": "device", "levels": ["mobile", "desktop"]}],
            "attribution": {
                "type": "first_touch",
                "conversion_window_hours": 48,
                "horizon_hours": 72,
            },
        },
        "excluded_combinations": [
            {"headline": "Calm", "price": 12},
            {"headline": "Bold", "price": 12, "banner": True},
        ],
        "holdout_percentage": 12.5,
        "allocation": "thompson",
        "exploration_share": 0.05,
        "retrain_every_minutes": 90,
        "expected_users": 50_000,
        "allowed_origins": ["https://www.shop.com", "https://*.shop.com"],
        "public_policy": True,
    }
    api = Api(factories.admin_token(world.organization))
    posted: Any = api.request("POST", "/optimizations", body)

    assert posted.status_code == 201, posted.content
    assert read_created(world, "By form") == read_created(world, "By API")
    created = Optimization.objects.get(name="By form")
    assert answer.headers["Location"].endswith(f"/{created.pk}/results/")
    by_form, by_api = (
        AuditEntry.objects.get(target_id=str(pk), action="optimization.create")
        for pk in (created.pk, posted.json()["id"])
    )
    assert (by_form.actor_kind, by_form.actor_id) == ("staff", "clerk")
    assert by_form.changes.keys() == by_api.changes.keys()


def test_empty_answers_leave_the_defaults_of_the_api(
    form: CreateForm, world: World
) -> None:
    form.send("goal", "continue", create_requests.build_goal(world.organization))
    form.send("factors", "continue", build_factors(("headline", ["Plain", "Bold"])))
    form.send("traffic", "continue", {})
    form.send("review", "create")
    api = Api(factories.admin_token(world.organization))
    factor = {"name": "headline", "levels": ["Plain", "Bold"]}
    config = {"reward": {"name": "reward", "type": "bool"}, "design_factors": [factor]}
    api.request(
        "POST", "/optimizations", {"name": "By API", "training_data_config": config}
    )

    assert read_created(world, "Landing page") == read_created(world, "By API")


def test_a_form_that_is_sent_twice_creates_once(form: CreateForm, world: World) -> None:
    form.fill(world.organization, world.metric)
    path = form.build_path("review")
    digest = form.read("review").partition('name="digest" value="')[2][:16]

    answers = [
        form.client.post(path, {"do": "create", "digest": digest}) for _ in range(2)
    ]

    created = Optimization.objects.get(name="Landing page")
    assert {answer.headers["Location"] for answer in answers} == {
        f"/admin/optimizations/optimization/{created.pk}/results/"
    }
    assert created.status == "draft"
    assert UnfinishedOptimization.objects.get().optimization_id == created.pk


def test_going_live_is_asked_for_and_done_at_once(
    form: CreateForm, world: World
) -> None:
    form.fill(world.organization, world.metric)
    asked = form.send("review", "ask-live")
    assert not Optimization.objects.filter(name="Landing page").exists()
    page = form.read("review", live="1")

    form.send("review", "create-live")

    assert asked.headers["Location"] == form.build_path("review") + "?live=1"
    assert "go live?" in page
    created = Optimization.objects.get(name="Landing page")
    assert created.status == "live"
    assert list(
        AuditEntry.objects.filter(target_id=str(created.pk))
        .order_by("id")
        .values_list("action", flat=True)
    ) == ["optimization.create", "optimization.go_live"]


def test_what_going_live_lacks_is_said_before(form: CreateForm, world: World) -> None:
    """A connected warehouse needs an assignment source; a draft needs a metric."""
    Connection.objects.create(organization=world.organization, provider="postgres")
    form.fill(world.organization, world.metric)
    without_source = form.read("review")
    form.fill(world.organization)
    without_metric = form.read("review")

    assert "requires. Choose one in the step Traffic" in without_source
    assert "The metric is required to go live." in without_metric
    for page in (without_source, without_metric):
        assert 'value="create-live"' not in page
        assert 'value="ask-live"' not in page
        assert 'value="create"' in page


def test_a_review_writes_nothing(form: CreateForm, world: World) -> None:
    form.fill(world.organization, world.metric)

    with CaptureQueriesContext(connection) as captured:
        form.read("review")

    statements = {query["sql"].split()[0] for query in captured.captured_queries}
    assert statements == {"SELECT"}


def test_limits_of_the_api_hold(form: CreateForm, world: World) -> None:
    form.fill(world.organization, world.metric)
    with override_settings(MAX_OPTIMIZATIONS=1):
        page = form.read("review")
        form.send("review", "create")

    assert "has 1 optimizations, and 1 are allowed" in page
    assert 'value="create"' not in page
    assert Optimization.objects.count() == 1


def test_a_metric_that_is_gone_is_a_problem_of_the_first_step(
    form: CreateForm, world: World
) -> None:
    metric = staff_world.make_metric(world.organization, "Short-lived")
    form.fill(world.organization, metric)
    metric.delete()

    page = form.read("review")
    form.send("review", "create")

    assert "Choose a metric" in page
    assert create_requests.list_steps(page)[0] == "Goal 1 to fix"
    assert Optimization.objects.count() == 1


def test_what_changed_since_the_review_is_not_created(
    form: CreateForm, world: World
) -> None:
    """Another tab may have changed what the sentences said."""
    form.fill(world.organization, world.metric)
    digest = form.read("review").partition('name="digest" value="')[2][:16]
    form.send("traffic", "continue", {"holdout_percentage": "30"})

    answer = form.client.post(
        form.build_path("review"), {"do": "create", "digest": digest}, follow=True
    )

    assert "Nothing was created" in answer.content.decode().replace("\n", " ")
    assert Optimization.objects.count() == 1


def test_a_form_that_has_created_leads_to_the_result(
    form: CreateForm, world: World
) -> None:
    form.fill(world.organization, world.metric)
    form.send("review", "create")
    created = Optimization.objects.get(name="Landing page")

    for step in ("goal", "factors", "traffic", "review"):
        answer: Any = form.client.get(form.build_path(step))
        assert answer.headers["Location"].endswith(f"{created.pk}/results/")
    created.delete()
    assert form.client.get(form.build_path("goal")).status_code == 200
