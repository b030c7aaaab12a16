"""Invalid creations name the field; the largest valid one is accepted."""

import pytest
from pytest_django import Settings

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel
from optimizations.models import Optimization, Variant
from tests.support import optimization_factories
from tests.support.factories import (
    make_admin_api,
    make_member_api,
    read_body,
    read_error,
)

pytestmark = pytest.mark.django_db


def test_going_live_without_a_metric_is_refused() -> None:
    api = make_member_api(optimization_factories.make_organization())

    response = api.post(
        "/optimizations", optimization_factories.make_body(status="live")
    )

    error = read_error(response)
    assert (response.status_code, error["code"]) == (400, "invalid_parameters")
    assert error["details"][0]["field"] == "reward_metric_id"
    _assert_nothing_written()


def test_an_organization_has_a_quota_of_optimizations_of_its_own(
    settings: Settings,
) -> None:
    settings.MAX_OPTIMIZATIONS = 1
    apis = [
        make_admin_api(optimization_factories.make_organization()) for _ in range(2)
    ]

    first = [
        api.post("/optimizations", optimization_factories.make_body()) for api in apis
    ]
    refused = apis[0].post("/optimizations", optimization_factories.make_body())
    deleted = apis[0].delete(f"/optimizations/{read_body(first[0])['id']}")
    after = apis[0].post("/optimizations", optimization_factories.make_body())

    assert [answer.status_code for answer in first] == [201, 201]
    assert (refused.status_code, read_error(refused)["code"]) == (409, "conflict")
    assert "1 are allowed" in read_error(refused)["message"]
    assert (deleted.status_code, after.status_code) == (204, 201)


CONFIG_FIELD = "training_data_config"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"surprise": 1}, "surprise"),
        ({"holdout_percentage": 95.1}, "holdout_percentage"),
        ({"holdout_percentage": True}, "holdout_percentage"),
        ({"exploration_share": 0.21}, "exploration_share"),
        ({"retrain_every_minutes": 4}, "retrain_every_minutes"),
        ({"retrain_every_minutes": 10_081}, "retrain_every_minutes"),
        ({"allocation": "greedy"}, "allocation"),
        ({"expected_users": 0}, "expected_users"),
        ({"status": "paused"}, "status"),
        ({"allowed_origins": ["shop.com"]}, "allowed_origins[0]"),
        ({"reward_metric_id": "nope"}, "reward_metric_id"),
        (
            {"reward_metric_id": "7f6a1d0e-9f5e-4b9a-8d4e-0f6f6c0e2a11"},
            "reward_metric_id",
        ),
        (
            {"guardrail_metric_ids": ["7f6a1d0e-9f5e-4b9a-8d4e-0f6f6c0e2a11"]},
            "guardrail_metric_ids[0]",
        ),
        (
            {"assignment_source_id": "7f6a1d0e-9f5e-4b9a-8d4e-0f6f6c0e2a11"},
            "assignment_source_id",
        ),
        (
            {"excluded_combinations": [{"headline": "C"}]},
            "excluded_combinations[0].headline",
        ),
        ({"excluded_combinations": [{"color": "A"}]}, "excluded_combinations[0].color"),
        ({"excluded_combinations": [{"headline": "A"}]}, "excluded_combinations[0]"),
        ({"excluded_combinations": [{}]}, "excluded_combinations[0]"),
        ({"excluded_combinations": [{"cta": 1}]}, "excluded_combinations[0].cta"),
        ({"model_type": "mab"}, f"{CONFIG_FIELD}.context_factors"),
    ],
)
def test_an_invalid_field_is_named_and_nothing_is_written(
    changes: dict[str, object], field: str
) -> None:
    api = make_member_api(optimization_factories.make_organization())

    response = api.post("/optimizations", optimization_factories.make_body(**changes))

    error = read_error(response)
    assert (response.status_code, error["code"]) == (400, "invalid_parameters")
    assert [problem["field"] for problem in error["details"]] == [field]
    _assert_nothing_written()


def _list_levels(count: int) -> list[str]:
    return [f"level {number}" for number in range(count)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"design_factors": []}, "design_factors"),
        (
            {"design_factors": [optimization_factories.make_factor("a", "x")]},
            "design_factors[0].levels",
        ),
        (
            {"design_factors": [optimization_factories.make_factor("a", "x", "x")]},
            "design_factors[0].levels[1]",
        ),
        (
            {
                "design_factors": [
                    optimization_factories.make_factor(
                        "a", "x", "y", optimization_factories.BOTH[0]
                    )
                ]
            },
            "design_factors[0].levels[2]",
        ),
        (
            {
                "design_factors": [
                    optimization_factories.make_factor("a", "x", "y"),
                    optimization_factories.make_factor("a", "x", "y"),
                ]
            },
            "design_factors[1].name",
        ),
        (
            {
                "design_factors": [
                    {"name": "a", "dtype": "str", "levels": [{"id": "1"}, "y"]}
                ]
            },
            "design_factors[0].levels[0]",
        ),
        (
            {
                "design_factors": [
                    {
                        "name": "a",
                        "dtype": "str",
                        "levels": [
                            {"id": "1", "value": "x"},
                            {"id": "1", "value": "y"},
                        ],
                    }
                ]
            },
            "design_factors[0].levels[1].id",
        ),
        (
            {"design_factors": [{"name": "a", "dtype": "int", "levels": ["x", "y"]}]},
            "design_factors[0].dtype",
        ),
        (
            {
                "design_factors": [
                    optimization_factories.make_factor("a", *_list_levels(10)),
                    optimization_factories.make_factor("b", *_list_levels(11)),
                ]
            },
            "design_factors",
        ),
        (
            {
                "context_factors": [
                    optimization_factories.make_factor("c", *_list_levels(51))
                ]
            },
            "context_factors[0].levels",
        ),
        (
            {
                "context_factors": [
                    optimization_factories.make_factor("c", *_list_levels(43)),
                    optimization_factories.make_factor("d", *_list_levels(43)),
                ]
            },
            "context_factors",
        ),
        ({"attribution": {"type": "any_touch"}}, "attribution.type"),
        (
            {"attribution": {"conversion_window_hours": 0}},
            "attribution.conversion_window_hours",
        ),
        (
            {"attribution": {"conversion_window_hours": 2161}},
            "attribution.conversion_window_hours",
        ),
        (
            {"attribution": {"conversion_window_hours": 48, "horizon_hours": 24}},
            "attribution.horizon_hours",
        ),
        ({"reward": {"name": "x"}}, "reward.type"),
        ({"reward": {"name": "x", "type": "bool", "w": 1}}, "reward.w"),
        ({"other": 1}, "other"),
    ],
)
def test_an_invalid_config_is_named_by_its_dotted_path(
    changes: dict[str, object], field: str
) -> None:
    api = make_member_api(optimization_factories.make_organization())
    config = optimization_factories.make_config(**changes)

    response = api.post(
        "/optimizations", optimization_factories.make_body(training_data_config=config)
    )

    error = read_error(response)
    assert response.status_code == 400
    assert [problem["field"] for problem in error["details"]] == [
        f"{CONFIG_FIELD}.{field}"
    ]
    _assert_nothing_written()


def test_the_largest_design_is_accepted() -> None:
    api = make_member_api(optimization_factories.make_organization())
    config = optimization_factories.make_config(
        design_factors=[
            optimization_factories.make_factor("a", *_list_levels(10)),
            optimization_factories.make_factor("b", *_list_levels(10)),
        ],
        context_factors=[
            optimization_factories.make_factor("c", *_list_levels(48)),
            optimization_factories.make_factor("d", *_list_levels(38)),
        ],
    )

    response = api.post(
        "/optimizations", optimization_factories.make_body(training_data_config=config)
    )

    assert response.status_code == 201, response.content
    assert read_body(response)["variants_count"] == 100


def test_the_reward_type_must_be_that_of_the_metric() -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    config = optimization_factories.make_config(
        reward={"name": "revenue", "type": "numeric"}
    )
    body = optimization_factories.make_body(
        reward_metric_id=str(metric.pk), training_data_config=config
    )

    response = make_member_api(organization).post("/optimizations", body)

    error = read_error(response)
    assert response.status_code == 400
    assert error["details"][0]["field"] == f"{CONFIG_FIELD}.reward.type"
    _assert_nothing_written()


def test_exclusions_must_leave_two_variants() -> None:
    api = make_member_api(optimization_factories.make_organization())
    excluded = [{"headline": "B"}, {"headline": "A", "cta": True}]

    response = api.post(
        "/optimizations",
        optimization_factories.make_body(excluded_combinations=excluded),
    )

    assert read_error(response)["details"][0]["field"] == "excluded_combinations"
    assert response.status_code == 400
    _assert_nothing_written()


def _assert_nothing_written() -> None:
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="optimization").exists()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("holdout_percent", "unknown field; did you mean `holdout_percentage`?"),
        ("holdoutPercentage", "unknown field; did you mean `holdout_percentage`?"),
        ("holdout", "unknown field; did you mean `holdout_percentage`?"),
        ("ho", "unknown field"),
        ("zzz", "unknown field"),
    ],
)
def test_an_unknown_field_is_answered_with_the_name_that_was_meant(
    sent: str, message: str
) -> None:
    api = make_member_api(optimization_factories.make_organization())

    response = api.post("/optimizations", optimization_factories.make_body(**{sent: 5}))

    (problem,) = read_error(response)["details"]
    assert problem == {"field": sent, "message": message}


def test_the_dtype_of_a_factor_follows_from_its_levels() -> None:
    api = make_member_api(optimization_factories.make_organization())
    body = optimization_factories.make_body()
    factors = body["training_data_config"]["design_factors"]
    expected = {factor["name"]: factor.pop("dtype") for factor in factors}

    created = read_body(api.post("/optimizations", body))

    stored = created["training_data_config"]["design_factors"]
    assert {factor["name"]: factor["dtype"] for factor in stored} == expected
    assert set(expected.values()) == {"str", "bool"}
