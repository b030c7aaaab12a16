"""The steps of the form take few queries, however much there is and whatever is refused."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from metrics.models import AssignmentSource, Metric
from optimizations.admin.create.problems import CHOOSE_GUARDRAILS
from tests.support import factories, staff_world
from tests.support.create_requests import (
    CreateForm,
    build_factors,
    build_goal,
    find_problem,
    list_steps,
)
from warehouse.models import Connection

pytestmark = pytest.mark.django_db
MAX_QUERIES = 12
STEPS = ("goal", "factors", "traffic", "review")
TEN = list("abcdefghij")


@pytest.fixture
def form(client: Client) -> CreateForm:
    """A form that asks for as much as can be: a connected warehouse, long lists."""
    world = staff_world.make_world()
    organization = world.organization
    user = staff_world.make_member(organization, "editor")
    for number in range(12):
        other = factories.make_organization(f"Shop {number}")
        staff_world.make_member(other, "owner")
    metrics = [
        staff_world.make_metric(organization, f"Metric {number}")
        for number in range(12)
    ]
    Connection.objects.create(organization=organization, provider="postgres")
    source = AssignmentSource.objects.create(
        organization=organization,
        name="Exposures",
        sql="SELECT 1",
        column_mapping={},
        is_default=True,
    )
    client.force_login(user)
    form = CreateForm(client)
    guardrails = [str(metric.pk) for metric in (metrics[0], metrics[-1])]
    goal = {**build_goal(organization, world.metric), "guardrails": guardrails}
    form.send("goal", "continue", goal)
    form.send("factors", "continue", build_factors(("a", TEN), ("b", TEN)))
    form.send("traffic", "continue", {"assignment_source_id": str(source.pk)})
    return form


@pytest.mark.parametrize("step", STEPS)
def test_a_step_takes_few_queries(
    form: CreateForm, django_assert_max_num_queries: DjangoAssertNumQueries, step: str
) -> None:
    with django_assert_max_num_queries(MAX_QUERIES):
        page = form.read(step)

    assert "to fix" not in page


@pytest.mark.parametrize(
    ("missing", "step", "message"),
    [
        ("guardrail", "Goal 1 to fix", CHOOSE_GUARDRAILS),
        ("source", "Traffic 1 to fix", "no such assignment source"),
        ("default source", "Traffic done", "requires. Choose one in the step Traffic"),
    ],
)
def test_a_review_that_refuses_takes_few_queries(
    form: CreateForm,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    missing: str,
    step: str,
    message: str,
) -> None:
    if missing == "guardrail":
        Metric.objects.filter(name="Metric 11").delete()
    if missing == "default source":
        form.send("traffic", "continue", {})
    if "source" in missing:
        AssignmentSource.objects.all().delete()

    with django_assert_max_num_queries(MAX_QUERIES):
        page = form.read("review")

    assert message in page
    assert step in list_steps(page)
    if missing == "guardrail":
        assert find_problem(form.read("goal"), "guardrails") == CHOOSE_GUARDRAILS
