"""The steps of the form take few queries, however much there is."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support import staff_world
from tests.support.create_requests import CreateForm, build_factors

pytestmark = pytest.mark.django_db
MAX_QUERIES = 12


@pytest.mark.parametrize("step", ["goal", "factors", "traffic"])
def test_a_step_takes_few_queries(
    client: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    step: str,
) -> None:
    world = staff_world.make_world()
    user = staff_world.make_member(world.organization, "editor")
    for number in range(12):
        other = staff_world.make_world(f"Shop {number}")
        staff_world.make_member(other.organization, "owner")
        staff_world.make_metric(world.organization, f"Metric {number}")
    client.force_login(user)
    form = CreateForm(client)
    form.fill(world.organization, world.metric)
    ten = list("abcdefghij")
    form.send("factors", "continue", build_factors(("a", ten), ("b", ten)))

    # 3 more where lists go on: the goal counts organizations, metrics and guardrails.
    with django_assert_max_num_queries(MAX_QUERIES + 3 * (step == "goal")):
        form.read(step)
