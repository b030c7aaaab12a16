"""Odd arguments get an answer or an error with advice, never an internal error."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings as trials, strategies as st
from pytest_django import Settings

from levered_site.mcp import tools
from tests.support import factories
from tests.support.mcp_agents import MAX_RESULT_BYTES

pytestmark = pytest.mark.django_db

ODD_VALUES = st.sampled_from(
    [
        *("", "\0", "\ud800", "x" * 5000, "../../me", "%00", "?a=b#c", "1e999", "ü/ü"),
        *(0, -1, 2**53, 2**70, 1e300, True, None, [], {}, [None], {"a": {"b": [1]}}),
        *(float("nan"), float("inf"), {"a": 2**70}, {"a": float("nan")}, [2**70]),
    ]
)


def call(api: factories.Api, name: str, arguments: object) -> HttpResponse:
    """Call a tool with any JSON as arguments, in a raw message."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    return api.request("POST", "/mcp", json.dumps(body).encode(), accept, base="")


def build_arguments(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw odd values for some of a tool's arguments, and for an unknown one."""
    names = list(tools.TOOLS_BY_NAME[name].input_model.model_fields)
    keys = st.sampled_from([*names, "unknown"])
    return st.dictionaries(keys, ODD_VALUES, max_size=6)


@pytest.mark.parametrize("name", list(tools.TOOLS_BY_NAME))
@trials(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_odd_arguments_are_answered(
    settings: Settings, name: str, data: st.DataObject
) -> None:
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    api = factories.make_admin_api(factories.make_organization())

    answer = call(api, name, data.draw(build_arguments(name)))

    assert answer.status_code in {200, 400}
    assert b"internal_error" not in answer.content, answer.content
    assert len(answer.content) < MAX_RESULT_BYTES


@pytest.mark.parametrize("arguments", [[], "x", 7, None])
def test_arguments_that_are_no_object_get_an_answer(arguments: object) -> None:
    api = factories.make_admin_api(factories.make_organization())

    answer = call(api, "overview", arguments)

    assert answer.status_code in {200, 400}
    assert b"internal" not in answer.content.lower()


def test_a_call_with_many_problems_gets_a_short_error_with_advice() -> None:
    api = factories.make_admin_api(factories.make_organization())
    unknown = {f"{'x' * 300}{n}": n for n in range(400)}

    answer = call(api, "overview", unknown)

    assert len(answer.content) < MAX_RESULT_BYTES
    assert b"Next: correct these" in answer.content
