"""Levels that are numbers: kept as numbers, and compared by value."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.models import Organization
from tests.support import factories, optimization_factories, traffic
from tests.support.factories import Api, read_body, read_error
from tests.support.learning import train_model
from tests.support.optimization_factories import make_factor

pytestmark = pytest.mark.django_db(transaction=True)

PRICES = [9.99, 20.0, 0.00001]
# As they are served: without a fraction they are whole, and have no exponent in keys.
STORED = [9.99, 20, 0.00001]
KEYS = [
    '{"badge":false,"price":9.99}',
    '{"badge":true,"price":9.99}',
    '{"badge":false,"price":20}',
    '{"badge":true,"price":20}',
    '{"badge":false,"price":0.00001}',
    '{"badge":true,"price":0.00001}',
]


def build_body(levels: list[Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a request that creates an optimization with prices."""
    config = optimization_factories.make_config(
        design_factors=[
            {"name": "price", "levels": levels or PRICES},
            {"name": "badge", "levels": [False, True]},
        ],
        context_factors=[{"name": "visits", "levels": [1, 2.50]}],
    )
    return optimization_factories.make_body(training_data_config=config, **fields)


@pytest.fixture
def organization() -> Organization:
    """Make an organization."""
    return optimization_factories.make_organization()


@pytest.fixture
def api(organization: Organization) -> Api:
    """Return a client of the organization."""
    return factories.make_admin_api(organization)


def create(api: Api, **fields: Any) -> dict[str, Any]:
    """Create a live optimization with prices, whose policy is public."""
    metric = optimization_factories.make_metric(Organization.objects.get())
    body = build_body(reward_metric_id=str(metric.pk), public_policy=True, **fields)
    response = api.post("/optimizations", body)
    assert response.status_code == 201, response.content
    return read_body(response)


def test_numbers_are_stored_and_returned_as_numbers(api: Api) -> None:
    created = create(api)

    factors = created["training_data_config"]["design_factors"]
    assert factors[0] == {
        "name": "price",
        "dtype": "number",
        "levels": [
            {"id": "9.99", "value": 9.99},
            {"id": "20", "value": 20},
            {"id": "0.00001", "value": 0.00001},
        ],
    }
    rows = read_body(api.get(f"/optimizations/{created['id']}/variants"))["variants"]
    assert [row["variant_key"] for row in rows] == KEYS
    assert [row["variant"]["price"] for row in rows[::2]] == STORED
    assert [type(row["variant"]["price"]) for row in rows[::2]] == [float, int, float]


def test_numbers_are_served_and_downloaded_as_numbers(api: Api) -> None:
    path = f"/optimizations/{create(api)['id']}"
    anybody = Api()

    served = [
        read_body(anybody.post(f"{path}/serve", {"anonymous_id": f"user-{n}"}))
        for n in range(60)
    ]
    policy = read_body(anybody.get(f"{path}/policy"))
    decided = read_body(api.get(f"{path}/decisions/user-0"))

    seen = {each["variant"]["price"] for each in served}
    assert seen == set(STORED)
    assert all(
        each["variant_key"] == KEYS[each["variant_number"] - 1] for each in served
    )
    assert [row["variant"]["price"] for row in policy["variants"][::2]] == STORED
    assert policy["context_factors"] == [{"name": "visits", "levels": ["1", "2.5"]}]
    assert decided["variant"] == served[0]["variant"]


@pytest.mark.parametrize("price", [20, 20.0, "20"])
def test_an_exposure_names_a_level_by_its_value(api: Api, price: object) -> None:
    created = create(api, holdout_percentage=0)
    key = factories.make_api_key(Organization.objects.get())
    event = {
        "anonymous_id": "user-1",
        "optimization_id": created["id"],
        "variant": {"price": price, "badge": "true"},
        "context": {"visits": "2.5"},
    }

    answer = Api().post("/ingest/exposures", {"events": [event]}, X_API_Key=key)
    path = f"/optimizations/{created['id']}"
    results = read_body(api.get(f"{path}/results?refresh=true"))

    assert read_body(answer)["accepted"] == 1
    (seen,) = (row for row in results["variants"] if row["users"])
    assert seen["variant"] == {"price": 20, "badge": True}
    mix = read_body(api.get(f"{path}/outcome-mix"))["rows"]
    assert [(row["variant"], row["context"]) for row in mix] == [
        (KEYS[3], {"visits": "2.5"})
    ]


@pytest.mark.parametrize(
    "excluded", [{"price": 20}, {"price": 20.0}, {"price": "20", "badge": True}]
)
def test_an_exclusion_names_a_level_by_its_value(
    api: Api, excluded: dict[str, Any]
) -> None:
    created = create(api, excluded_combinations=[excluded])

    rows = read_body(api.get(f"/optimizations/{created['id']}/variants"))["variants"]
    assert created["excluded_combinations"][0]["price"] == 20
    assert [row["number"] for row in rows if row["excluded"]] == (
        [4] if "badge" in excluded else [3, 4]
    )


@pytest.mark.parametrize(
    ("levels", "field", "message"),
    [
        ([1, 1.0], "levels[1]", "is used twice"),
        ([1, "2"], "levels[0]", "must be a string, as dtype is str"),
        ([1, True], "levels[0]", "must be a string, as dtype is str"),
        ([1, 1234567890123456], "levels[1]", "must have at most 15 digits"),
        ([1, 1e300], "levels[1]", "must have at most 15 digits"),
        ([1, 1e-13], "levels[1]", "must have at most 15 digits"),
        ([1, [2]], "levels[1]", "must be a string, a number, true or false"),
    ],
)
def test_what_is_no_level_is_refused_by_its_place(
    api: Api, levels: list[Any], field: str, message: str
) -> None:
    refused = read_error(api.post("/optimizations", build_body(levels)))

    first = refused["details"][0]
    assert first["field"] == f"training_data_config.design_factors[0].{field}"
    assert first["message"].startswith(message)


def test_the_model_learns_of_numbers() -> None:
    optimization = optimization_factories.make_live_optimization(
        training_data_config=optimization_factories.make_config(
            design_factors=[make_factor("price", *STORED)],
            context_factors=[make_factor("visits", 1, 2.5)],
        )
    )
    traffic.simulate_visitors(
        optimization,
        timezone.now() - timedelta(days=3),
        600,
        lambda variant, _context: 0.5 if variant["price"] == 20 else 0.1,
    )
    train_model(optimization)
    api = factories.make_member_api(optimization.organization)

    results = read_body(api.get(f"/optimizations/{optimization.pk}/results"))

    assert [row["variant"]["price"] for row in results["variants"]] == STORED
    utilities = {row["level"]: row["effect"] for row in results["factor_utilities"]}
    assert max(utilities, key=utilities.__getitem__) == "20"
    assert {row["level"] for row in results["contexts"]} >= {"1", "2.5"}


def test_an_agent_sends_and_reads_numbers(api: Api) -> None:
    def call(tool: str, **arguments: Any) -> dict[str, Any]:
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        }
        accept = {"Accept": "application/json, text/event-stream"}
        result = read_body(api.request("POST", "/mcp", message, accept, base=""))
        assert not result["result"]["isError"], result
        content: dict[str, Any] = result["result"]["structuredContent"]
        return content

    own = {
        "optimization_id": call("create_optimization", **build_body())["optimization"][
            "id"
        ]
    }
    call("update_optimization", **own, excluded_combinations=[{"price": 20.0}])
    factors = call("get_optimization", **own, detail="factors")["items"]
    variants = call("get_optimization", **own, detail="variants")["items"]

    prices = [row for row in factors if row["factor"] == "price"]
    assert [row["value"] for row in prices] == STORED
    assert {row["dtype"] for row in prices} == {"number"}
    assert [row["variant"]["price"] for row in variants[::2]] == STORED
    assert [row["number"] for row in variants if row["excluded"]] == [3, 4]
