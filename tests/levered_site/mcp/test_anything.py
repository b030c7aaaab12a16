"""Whatever is sent as arguments: an answer or advice, never a failure of ours."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings as trials, strategies as st
from pytest_django import Settings

from levered_site.mcp import tools
from tests.support import factories

pytestmark = pytest.mark.django_db

ODD = st.sampled_from(
    [
        *("", "\0", "\ud800", "x" * 5000, "../../me", "%00", "?a=b#c", "1e999", "ü/ü"),
        *(0, -1, 2**53, 2**70, 1e300, True, None, [], {}, [None], {"a": {"b": [1]}}),
        *(float("nan"), float("inf"), {"a": 2**70}, {"a": float("nan")}, [2**70]),
    ]
)


def call(api: factories.Api, name: str, arguments: object) -> HttpResponse:
    """Call a tool with whatever it is, as a raw message."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    return api.request("POST", "/mcp", json.dumps(body).encode(), accept, base="")


def arguments_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Give known arguments odd values, and leave some out."""
    known = list(tools.TOOLS_BY_NAME[name].input_model.model_fields)
    return st.dictionaries(st.sampled_from([*known, "unknown"]), ODD, max_size=6)


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

    answer = call(api, name, data.draw(arguments_of(name)))

    assert answer.status_code in {200, 400}
    assert b"internal_error" not in answer.content, answer.content
    assert len(answer.content) < 8_192


@pytest.mark.parametrize("arguments", [[], "x", 7, None])
def test_arguments_that_are_no_object_are_refused_or_none(arguments: object) -> None:
    api = factories.make_admin_api(factories.make_organization())

    answer = call(api, "overview", arguments)

    assert answer.status_code in {200, 400}
    assert b"internal" not in answer.content.lower()


def test_many_problems_are_told_in_short_with_what_to_do() -> None:
    api = factories.make_admin_api(factories.make_organization())
    unknown = {f"{'x' * 300}{n}": n for n in range(400)}

    answer = call(api, "overview", unknown)

    assert len(answer.content) < 8_192
    assert b"Next: correct these" in answer.content
