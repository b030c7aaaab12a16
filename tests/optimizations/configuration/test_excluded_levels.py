"""Excluded levels are compared as text, as contexts and exposures are."""

import json
from typing import Any

import pytest

from optimizations.models import Optimization
from tests.support import factories, optimization_factories
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import make_factor

pytestmark = pytest.mark.django_db

CONFIG = optimization_factories.make_config(
    design_factors=[
        make_factor("price", "9", "19", "1.5"),
        make_factor("badge", *optimization_factories.BOTH),
    ]
)
AS_THE_DESIGN_WRITES = [{"price": "1.5", "badge": True}, {"price": "19"}]


@pytest.mark.parametrize(
    "excluded",
    [
        AS_THE_DESIGN_WRITES,
        [{"price": 1.5, "badge": "true"}, {"price": 19}],
        [{"price": 1.50, "badge": True}, {"price": 19.0}],
    ],
)
@pytest.mark.parametrize("when", ["created", "changed"])
def test_a_number_and_a_text_exclude_the_level_of_the_same_text(
    excluded: list[dict[str, Any]], when: str
) -> None:
    api = factories.make_admin_api(optimization_factories.make_organization())
    body = optimization_factories.make_body(training_data_config=CONFIG)
    field = {"excluded_combinations": excluded}
    created = read_body(
        api.post("/optimizations", body | (field if when == "created" else {}))
    )
    path = f"/optimizations/{created['id']}"
    answer = read_body(
        api.patch(path, field if when == "changed" else {"name": "Other"})
    )

    variants = read_body(api.get(f"{path}/variants"))["variants"]

    assert answer["excluded_combinations"] == AS_THE_DESIGN_WRITES
    assert [row["number"] for row in variants if row["excluded"]] == [3, 4, 6]


@pytest.mark.parametrize("value", [2, "1.50", 1, True])
def test_another_text_is_no_level(value: object) -> None:
    api = factories.make_admin_api(optimization_factories.make_organization())
    body = optimization_factories.make_body(
        training_data_config=CONFIG, excluded_combinations=[{"price": value}]
    )

    refused = read_error(api.post("/optimizations", body))

    assert refused["details"] == [
        {
            "field": "excluded_combinations[0].price",
            "message": "must be one of the factor's levels",
        }
    ]


def test_an_agent_excludes_by_number_too() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, status="draft", training_data_config=CONFIG
    )
    arguments = {
        "optimization_id": str(optimization.pk),
        "excluded_combinations": [{"price": 19, "badge": "false"}],
    }
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "update_optimization", "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    api = factories.make_admin_api(organization)

    answer = api.request("POST", "/mcp", message, accept, base="")

    assert json.loads(answer.content)["result"]["isError"] is False, answer.content
    stored = Optimization.objects.get(pk=optimization.pk)
    assert stored.excluded_combinations == [{"price": "19", "badge": False}]
