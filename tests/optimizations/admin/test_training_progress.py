"""The bar of a training on an optimization's page, and when it stops asking."""

import pytest
from django.test import Client
from django.urls import reverse

from models_app import runs
from models_app.models import TrainingRun
from optimizations.admin.tabs import registry
from tests.support import staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


def build_poll_url(world: World, run: TrainingRun) -> str:
    path = reverse(
        "admin:optimizations_optimization_training", args=[world.optimization.pk]
    )
    return f"{path}?run={run.pk}"


def set_run(run: TrainingRun, **fields: object) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(**fields)


def test_a_training_under_way_is_followed_until_it_has_ended(
    viewer: Client, world: World
) -> None:
    run = runs.request_training(world.optimization.model, requested_by="clock")
    poll = build_poll_url(world, run)
    page = viewer.get(registry.build_url(world.optimization, "results"))

    set_run(run, status="running", progress=0.4)
    running = viewer.get(poll).content.decode()
    set_run(run, status="succeeded", progress=1.0, policy_version=7)
    ended = viewer.get(poll).content.decode()

    assert f'hx-get="{poll}"' in page.content.decode()
    assert "A training waits for a worker." in page.content.decode()
    assert f'hx-get="{poll}"' in running
    assert 'hx-trigger="every 2s"' in running
    assert 'value="40"' in running
    assert "hx-get" not in ended
    assert "policy version 7 was published" in ended


def test_a_failed_training_says_why_and_asks_no_more(
    viewer: Client, world: World
) -> None:
    run = runs.request_training(world.optimization.model, requested_by="clock")
    set_run(run, status="failed", error="the warehouse is away")

    bar = viewer.get(build_poll_url(world, run)).content.decode()

    assert "The training failed." in bar
    assert "the warehouse is away" in bar
    assert "hx-get" not in bar


def test_without_a_training_there_is_no_bar(viewer: Client, world: World) -> None:
    page = viewer.get(registry.build_url(world.optimization, "results"))

    assert "opt-training" not in page.content.decode()


@pytest.mark.parametrize("run", ["", "nothing", "00000000-0000-0000-0000-000000000000"])
def test_a_run_that_is_not_the_optimizations_is_not_there(
    viewer: Client, world: World, run: str
) -> None:
    other = staff_world.make_world("Other")
    foreign = runs.request_training(other.optimization.model, requested_by="clock")
    path = build_poll_url(world, foreign)

    assert viewer.get(path).status_code == 404
    assert viewer.get(path.partition("=")[0] + f"={run}").status_code == 404
