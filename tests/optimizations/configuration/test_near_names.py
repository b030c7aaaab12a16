"""Ids are taken in either case; a name in another case is refused by the one meant."""

import json
from typing import Any

import pytest

from levered_site.organizations.models import Organization
from metrics.models import AssignmentSource, Metric
from tests.support import factories, optimization_factories
from tests.support.factories import Api, read_body, read_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    """Make an organization."""
    return optimization_factories.make_organization()


@pytest.fixture
def api(organization: Organization) -> Api:
    """Return a client of the organization."""
    return factories.make_admin_api(organization)


@pytest.fixture
def metric(organization: Organization) -> Metric:
    """Make a metric."""
    return optimization_factories.make_metric(organization, name="signups")


def call(api: Api, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool of MCP and return its structured answer, be it an error."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    answer = api.request("POST", "/mcp", message, accept, base="")
    content: dict[str, Any] = json.loads(answer.content)["result"]["structuredContent"]
    return content


def test_the_api_takes_ids_in_upper_case(api: Api, metric: Metric) -> None:
    upper = str(metric.pk).upper()
    body = optimization_factories.make_body(
        reward_metric_id=upper, guardrail_metric_ids=[upper]
    )

    created = read_body(api.post("/optimizations", body))
    read = read_body(api.get(f"/warehouse/metrics/{upper}"))
    own = f"/optimizations/{created['id'].upper()}"
    statuses = [
        api.get(f"{own}/{name}").status_code
        for name in ("results", "guardrails", "holdout-daily", "report-data")
    ]

    assert created["reward_metric_id"] == read["id"] == str(metric.pk)
    assert created["guardrail_metric_ids"] == [str(metric.pk)]
    assert statuses == [200] * 4


def test_agents_may_send_ids_in_upper_case(api: Api, metric: Metric) -> None:
    upper = str(metric.pk).upper()

    created = call(
        api,
        "create_optimization",
        name="Page",
        reward_metric_id=upper,
        guardrail_metric_ids=[upper],
        training_data_config=optimization_factories.make_config(),
    )
    answers = [
        call(api, "explore_warehouse", look="metrics", id=upper),
        call(api, "explore_warehouse", look="preview", id=upper),
        call(api, "define_metric", id=upper, name="Sign-ups"),
        call(
            api,
            "get_results",
            optimization_id=created["optimization"]["id"].upper(),
            view="guardrails",
        ),
        call(api, "delete", kind="metric", id=upper),
    ]

    failed = [answer["error"] for answer in answers if "error" in answer]
    assert [error["code"] for error in failed] == ["conflict"]  # it is in use


@pytest.mark.parametrize("field", ["reward_metric_id", "guardrail_metric_ids"])
@pytest.mark.parametrize("name", ["signups", "Signups", " SIGNUPS "])
def test_a_metrics_name_is_refused_with_its_id(
    api: Api, metric: Metric, field: str, name: str
) -> None:
    sent = [name] if field.endswith("s") else name
    config = optimization_factories.make_config()

    by_rest = read_error(
        api.post("/optimizations", optimization_factories.make_body(**{field: sent}))
    )
    by_tool = call(
        api,
        "create_optimization",
        name="Page",
        training_data_config=config,
        **{field: sent},
    )["error"]

    for error in (by_rest, by_tool):
        (problem,) = error["details"]
        assert problem["field"].startswith(field)
        assert problem["message"] == (
            f'must be an id, not a name; that of "signups" is {metric.pk}'
        )


def test_no_organization_learns_an_id_from_anothers_name(metric: Metric) -> None:
    stranger = factories.make_admin_api(optimization_factories.make_organization())
    body = optimization_factories.make_body(reward_metric_id="signups")

    (problem,) = read_error(stranger.post("/optimizations", body))["details"]

    assert str(metric.pk) not in problem["message"]


def test_a_sources_name_is_refused_with_its_id(
    api: Api, organization: Organization
) -> None:
    source = AssignmentSource.objects.create(
        organization=organization, name="Logged", sql="SELECT 1", column_mapping={}
    )
    body = optimization_factories.make_body(assignment_source_id="logged")

    (problem,) = read_error(api.post("/optimizations", body))["details"]

    assert problem["message"].endswith(f'that of "Logged" is {source.pk}')


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("explore_warehouse", {"look": "metrics"}),
        ("explore_warehouse", {"look": "preview"}),
        ("delete", {"kind": "metric"}),
    ],
)
@pytest.mark.parametrize("name", ["Signups", "signup"])
def test_an_agent_learns_the_id_of_the_name_that_it_sent(
    api: Api, metric: Metric, tool: str, arguments: dict[str, Any], name: str
) -> None:
    error = call(api, tool, **arguments, id=name)["error"]

    assert error["details"] == [
        {
            "field": "id",
            "message": f'must be an id, not a name; that of "signups" is {metric.pk}',
        }
    ]


@pytest.mark.parametrize(
    ("excluded", "message"),
    [
        ({"Headline": "B"}, 'is not a design factor; did you mean "headline"?'),
        ({"headlin": "B"}, 'is not a design factor; did you mean "headline"?'),
        ({"x": "B"}, "is not a design factor"),
        (
            {"headline": "b"},
            'must be one of the factor\'s levels; did you mean "B"?',
        ),
        ({"headline": "C"}, "must be one of the factor's levels"),
        (
            {"cta": "True"},
            'must be one of the factor\'s levels; did you mean "true"?',
        ),
    ],
)
def test_a_factor_or_level_in_another_case_names_the_one_meant(
    api: Api, excluded: dict[str, Any], message: str
) -> None:
    body = optimization_factories.make_body(excluded_combinations=[excluded])

    (problem,) = read_error(api.post("/optimizations", body))["details"]

    assert problem["message"] == message


def test_an_exposure_of_a_level_in_another_case_names_the_one_meant(
    api: Api, organization: Organization
) -> None:
    optimization = optimization_factories.make_optimization(organization)
    key = factories.make_api_key(organization)
    event = {
        "anonymous_id": "user-1",
        "optimization_id": str(optimization.pk).upper(),
        "variant": {"headline": "b", "cta": True},
    }

    answer = Api().post("/ingest/exposures", {"events": [event]}, X_API_Key=key)

    assert 'did you mean "B"?' in read_error(answer)["details"][0]["message"]


def test_the_bias_of_a_factor_in_another_case_names_the_one_meant(
    api: Api, organization: Organization
) -> None:
    optimization = optimization_factories.make_optimization(organization)
    path = f"/models/{str(optimization.model_id).upper()}/train"

    error = read_error(api.post(path, {"bias": {"Headline": 0.1}}))

    assert error["details"][0]["message"].endswith('; did you mean "headline"?')
