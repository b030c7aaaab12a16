"""Two requests at the same moment: one optimization, and no answer lost."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client

from optimizations.models import Optimization, UnfinishedOptimization
from tests.support import staff_world
from tests.support.create_requests import CreateForm

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 4


def test_a_double_click_creates_one_optimization(client: Client) -> None:
    world = staff_world.make_world()
    user = staff_world.make_member(world.organization, "editor")
    client.force_login(user)
    form = CreateForm(client)
    form.fill(world.organization, world.metric)
    digest = form.read("review").partition('name="digest" value="')[2][:16]
    start = Barrier(TIMES)

    def create(_number: int) -> str:
        own = Client()
        own.cookies = client.cookies
        start.wait()
        try:
            body = {"do": "create", "digest": digest}
            return own.post(form.build_path("review"), body).headers["Location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(TIMES) as threads:
        targets = set(threads.map(create, range(TIMES)))

    created = Optimization.objects.get(name="Landing page")
    assert targets == {f"/admin/optimizations/optimization/{created.pk}/results/"}


def test_two_steps_that_are_first_saved_at_once_are_both_kept(client: Client) -> None:
    world = staff_world.make_world()
    client.force_login(staff_world.make_member(world.organization, "editor"))
    form = CreateForm(client)
    start = Barrier(2)

    def save(step: str) -> int:
        own = Client()
        own.cookies = client.cookies
        start.wait()
        try:
            body = {"do": "refresh", "name": "Both", "holdout_percentage": "17"}
            return own.post(form.build_path(step), body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(save, ("goal", "traffic"))) == [302, 302]

    assert UnfinishedOptimization.objects.count() == 1
    assert 'value="Both"' in form.read("goal")
    assert 'value="17"' in form.read("traffic")
