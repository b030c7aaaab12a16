"""Ids in paths are UUIDs in either case."""

import json
import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from optimizations.models import Assignment
from tests.support import factories, routes
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
)

ROUTES = sorted({route.path for route in routes.list_routes()})

ID = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"


@pytest.mark.parametrize(
    "path", [path for path in ROUTES if "id}" in path or "pk}" in path]
)
def test_every_endpoint_takes_an_id_in_either_case(path: str) -> None:
    identifier = str(uuid4())
    number = re.sub(r"{number}|{anonymous_id}", "1", path)

    lower, upper, mixed = (
        resolve(re.sub(r"{\w+}", text, number))
        for text in (
            identifier,
            identifier.upper(),
            identifier[:9].upper() + identifier[9:],
        )
    )

    assert lower.route == upper.route == mixed.route
    for match in (upper, mixed):
        assert {name: str(value).lower() for name, value in match.kwargs.items()} == {
            name: str(value) for name, value in lower.kwargs.items()
        }


@pytest.mark.parametrize(
    "identifier", ["undefined", "", "1", ID.replace("-", ""), f"{ID}0", f"{{{ID}}}"]
)
def test_what_is_no_uuid_is_no_id(identifier: str) -> None:
    with pytest.raises(Resolver404):
        resolve(f"/api/v2/optimizations/{identifier}/serve")


@pytest.mark.django_db(transaction=True)
def test_serve_decides_the_same_for_an_id_in_upper_case() -> None:
    optimization = make_live_optimization()

    answers = [
        Client()
        .post(
            f"/api/v2/optimizations/{identifier}/serve",
            {"anonymous_id": "u1"},
            content_type="application/json",
        )
        .json()
        for identifier in (str(optimization.pk).upper(), str(optimization.pk))
    ]

    assert [answer["sticky"] for answer in answers] == [False, True]
    for answer in answers:
        assert answer["optimization_id"] == str(optimization.pk)
        assert answer["variant_number"] == answers[0]["variant_number"]
    assert Assignment.objects.count() == 1


@pytest.mark.django_db
def test_an_answer_has_the_id_in_lower_case() -> None:
    organization = factories.make_organization()
    optimization = make_optimization(organization)
    admin = factories.make_admin_api(organization)

    answer = admin.get(f"/optimizations/{str(optimization.pk).upper()}")

    assert answer.status_code == 200
    assert json.loads(answer.content)["id"] == str(optimization.pk)
