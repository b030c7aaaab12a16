"""The report: one file that needs nothing else."""

import re
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.actors import Actor
from optimizations.admin import page_head
from optimizations.configuration import notes
from optimizations.models import Optimization
from tests.support import pictures, staff_world, unhealthy_worlds

pytestmark = pytest.mark.django_db

CLERK = Actor("staff", "clerk-of-the-shop")
MAX_QUERIES = 12
# What a browser would ask for, or lead to.
OUTSIDE = re.compile(r"""\b(?:src|href)=["'](?!data:)|url\(["']?(?!#|data:)""")


def build_path(optimization: Optimization) -> str:
    return reverse(f"admin:{page_head.REPORT_URL}", args=[optimization.pk])


@pytest.mark.django_db(transaction=True)
def test_a_viewer_takes_the_results_away_as_one_file(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    optimization, refunds = unhealthy_worlds.make_violated_guardrail()
    Optimization.objects.filter(pk=optimization.pk).update(name="Ångström / Seite 2")
    today = {"text": "The sale began", "date": date(2026, 3, 28)}
    notes.create_note(optimization, today, CLERK)
    optimization.variants.update(screenshot=pictures.build_png())
    client.force_login(staff_world.make_member(optimization.organization, "viewer"))
    client.get(build_path(optimization))

    with django_assert_max_num_queries(MAX_QUERIES):
        answer = client.get(build_path(optimization))

    file = answer.content.decode()
    name = answer["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="ngstr-m-seite-2-[\d-]{10}\.html"', name)
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert not OUTSIDE.findall(file)
    assert "<script" not in file
    assert '<link rel="stylesheet"' not in file
    assert ".chart-frame {" in file, "styles are inside"
    assert "prefers-color-scheme" in file or "color-scheme: light dark" in file
    assert file.count("data:image/png;base64,") == 3
    assert f"A guardrail suffers: {refunds.name}" in file
    assert "Do this:" in file
    for title in ("Lift over time", "Variants", "Lift by segment", "How to read this"):
        assert f"{title}</h2>" in file
    assert "policy version" in file
    assert "figures as of" in file
    assert CLERK.id not in file
    assert (
        file.count(f"<small>and the {optimization.holdout_percentage:g}\xa0% held") == 1
    )
    assert "\xa0% of all so far, are among those of no. 1." in file


def test_nobody_else_gets_a_report(client: Client) -> None:
    world, other = staff_world.make_world(), staff_world.make_world("Other")
    path = build_path(world.optimization)
    client.force_login(staff_world.make_member(other.organization, "owner"))

    assert client.get(path).status_code == 404
    client.logout()
    assert client.get(path).status_code == 302


def test_a_report_is_only_read(client: Client) -> None:
    world = staff_world.make_world()
    client.force_login(staff_world.make_member(world.organization, "owner"))

    assert client.post(build_path(world.optimization)).status_code == 405
