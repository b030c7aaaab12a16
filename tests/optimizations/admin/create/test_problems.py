"""What the API refuses stands beside its field, and the step that has it is marked."""

from typing import Any

import pytest
from django.test import Client

from optimizations.admin.create import traffic_fields
from optimizations.serializers.optimization_requests import NewOptimizationSerializer
from optimizations.serializers.training_data_config import (
    AttributionSerializer,
    TrainingDataConfigSerializer,
)
from tests.support import create_requests, staff_world
from tests.support.create_requests import (
    CreateForm,
    build_factors,
    find_problem,
    list_steps,
)
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
LEVELS = ["a", "b", "c", "d", "e"]


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


@pytest.fixture
def form(client: Client, world: World) -> CreateForm:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    return CreateForm(client)


def continue_with(form: CreateForm, step: str, fields: Any) -> str:
    """Send a step that must not lead on, and return its page."""
    answer = form.send(step, "continue", fields)
    assert answer.headers["Location"] == f"{form.build_path(step)}?focus=problems"
    return form.read(step)


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        pytest.param(
            build_factors(("headline", ["Plain"])),
            "levels-1",
            "Factor “headline” must have at least 2 levels.",
            id="one level",
        ),
        pytest.param(
            build_factors(("", ["", ""])),
            "design",
            "The design factors must have one with a name and at least 2 levels.",
            id="nothing filled in",
        ),
        pytest.param(
            build_factors(("headline", ["Plain", "Bold", "Plain"])),
            "level-1-3",
            "The level “Plain” is used twice.",
            id="twice the same level",
        ),
        pytest.param(
            build_factors(("a", ["x", "y"]), ("a", ["x", "y"])),
            "name-2",
            "The name “a” is used twice.",
            id="twice the same name",
        ),
        pytest.param(
            build_factors(("a", LEVELS), ("b", LEVELS), ("c", LEVELS)),
            "design",
            "The design factors must make at most 100 variants; these make 125.",
            id="too many variants",
        ),
        pytest.param(
            build_factors(("", ["x", "y"])),
            "name-1",
            "This field may not be blank.",
            id="no name",
        ),
        pytest.param(
            {**build_factors(("price", ["9", "ten"])), "dtype-1": "number"},
            "level-1-2",
            "The level “ten” must be a number, because the factor has numbers.",
            id="no number",
        ),
        pytest.param(
            build_factors(),
            "variants",
            "Exclusions must leave at least 2 variants.",
            id="all excluded",
        ),
        pytest.param(
            build_factors(contexts=(("headline", ["x"]),)),
            "name-3",
            "The name “headline” is already the name of a design factor.",
            id="context named as a factor",
        ),
        pytest.param(
            {**build_factors(contexts=(("device", ["x"]),)), "model_type": "mab"},
            "context",
            "The context factors must be empty where one answer is learned for all.",
            id="context without a model for it",
        ),
    ],
)
def test_a_problem_of_the_factors_stands_beside_its_input(
    form: CreateForm, world: World, fields: dict[str, Any], place: str, message: str
) -> None:
    form.send("goal", "continue", create_requests.build_goal(world.organization))
    if place == "variants":
        fields = {**fields, "exclusion": ["1.2", "2.2"]}
    page = continue_with(form, "factors", fields)

    assert find_problem(page, place) == message
    assert list_steps(page) == ["Goal done", "Variants 1 to fix", "Traffic", "Review"]
    form.send("factors", "continue", build_factors(("headline", ["Plain", "Bold"])))
    assert list_steps(form.read("traffic"))[1] == "Variants done"


def test_an_exclusion_that_became_the_baseline_is_named(
    form: CreateForm, world: World
) -> None:
    fields = build_factors()
    form.send("factors", "put-first:1-2", {**fields, "exclusion": "1.2_2.1"})

    page = continue_with(
        form,
        "factors",
        {
            "design": ["1", "2"],
            "name-1": "headline",
            "level-1-2": "Bold",
            "level-1-1": "Plain",
            "name-2": "color",
            "level-2-1": "Gray",
            "level-2-2": "Green",
            "exclusion": "1.2_2.1",
        },
    )

    assert find_problem(page, "variants") == (
        "The exclusion “headline: Bold, color: Gray” must not cover the baseline "
        "(variant 1)."
    )
    assert 'id="exclusion-1.2_2.1"' in page


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("holdout_percentage", "96", "Ensure this value is less than or equal to 95."),
        ("holdout_percentage", "ten", "A valid number is required."),
        ("exploration_share", "0.5", "Ensure this value is less than or equal to 0.2."),
        ("retrain_every_minutes", "1.5", "A valid integer is required."),
        ("expected_users", "0", "Ensure this value is greater than or equal to 1."),
        (
            "horizon_hours",
            "2",
            "Horizon must be at least the conversion window.",
        ),
    ],
)
def test_a_problem_of_the_traffic_stands_beside_its_input(
    form: CreateForm, world: World, name: str, text: str, message: str
) -> None:
    form.fill(world.organization, world.metric)

    page = continue_with(form, "traffic", {name: text})

    assert find_problem(page, name) == message
    assert f'value="{text}"' in page
    assert list_steps(page)[2] == "Traffic 1 to fix"


def test_the_first_step_asks_for_a_name_and_a_metric(form: CreateForm) -> None:
    page = continue_with(form, "goal", {})

    assert find_problem(page, "name") == "This field may not be blank."
    assert find_problem(page, "metric") == "Choose a metric, or “No metric yet”."
    assert list_steps(page) == ["Goal 2 to fix", "Variants", "Traffic", "Review"]


def test_nothing_is_wrong_before_a_step_was_left(form: CreateForm) -> None:
    page = form.read("goal")

    assert "to fix" not in page
    assert 'aria-invalid="true"' not in page


def test_the_review_marks_all_steps_and_offers_no_creation(form: CreateForm) -> None:
    page = form.read("review")
    answer = form.send("review", "create")

    assert list_steps(page) == [
        "Goal 2 to fix",
        "Variants 1 to fix",
        "Traffic",
        "Review",
    ]
    assert 'value="create"' not in page
    assert answer.headers["Location"] == form.build_path("review")


def test_a_review_of_too_many_variants_excludes_none(form: CreateForm) -> None:
    factors = build_factors(("a", LEVELS), ("b", LEVELS), ("c", LEVELS))
    form.send("factors", "continue", factors)

    page = form.read("review")

    assert "= 125 variants.</li>" in page


def test_the_form_has_every_field_of_the_api() -> None:
    """A field that the API gets needs a question in a step."""
    config = set(TrainingDataConfigSerializer().fields)
    goal = {"name", "reward_metric_id", "guardrail_metric_ids", "status"}
    factors = {"excluded_combinations", "model_type", "training_data_config"}
    traffic = {field.name for field in traffic_fields.FIELDS if not field.path}
    attribution = {field.path for field in traffic_fields.FIELDS if field.path}

    assert goal | factors | traffic == set(NewOptimizationSerializer().fields)
    assert config == {"reward", "design_factors", "context_factors", "attribution"}
    assert attribution == {
        f"training_data_config.attribution.{name}"
        for name in AttributionSerializer().fields
    }
