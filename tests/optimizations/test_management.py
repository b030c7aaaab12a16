"""Create, read, list, change and delete optimizations over HTTP."""

import pytest
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel, PolicyVersion
from optimizations.models import Optimization, Variant
from tests import factories as house
from tests.optimizations import factories

pytestmark = pytest.mark.django_db


def test_a_created_optimization_is_live_and_shown_whole() -> None:
    organization = factories.organization()
    metric = factories.metric(organization)
    api = house.member_of(organization)

    response = api.post(
        "/optimizations", factories.body(reward_metric_id=str(metric.pk))
    )

    assert response.status_code == 201, response.content
    body = house.body_of(response)
    optimization = Optimization.objects.get(pk=body["id"])
    assert response["Location"] == f"/api/v2/optimizations/{optimization.pk}"
    assert body["status"] == "live"
    assert body["model_id"] == str(optimization.model_id)
    assert body["model_status"] == "untrained"
    assert body["reward_metric"]["id"] == str(metric.pk)
    assert body["variants_count"] == 4
    assert body["reward_conversion_window"] == 24
    assert body["policy_version"] == 0
    assert body["holdout_percentage"] == 10.0
    assert body["training_data_config"]["attribution"] == {
        "type": "last_touch",
        "conversion_window_hours": 24,
        "horizon_hours": 24,
    }
    assert body["training_data_config"]["design_factors"][1]["levels"] == [
        {"id": "false", "value": False},
        {"id": "true", "value": True},
    ]
    assert body["model_config"]["reward"] == {
        "name": "purchase",
        "type": "bool",
        "outcomes": [],
    }
    assert api.get(f"/optimizations/{body['id']}")["ETag"] == response["ETag"]


def test_variants_are_numbered_in_row_major_order() -> None:
    optimization = factories.optimization(factories.organization())

    keys = optimization.variants.order_by("number").values_list("number", "variant_key")

    assert list(keys) == [
        (1, '{"cta":false,"headline":"A"}'),
        (2, '{"cta":true,"headline":"A"}'),
        (3, '{"cta":false,"headline":"B"}'),
        (4, '{"cta":true,"headline":"B"}'),
    ]


def test_without_a_metric_it_is_a_draft() -> None:
    api = house.member_of(factories.organization())

    body = house.body_of(api.post("/optimizations", factories.body()))

    assert (body["status"], body["reward_metric"]) == ("draft", None)
    assert body["went_live_at"] is None
    assert not PolicyVersion.objects.exists()


def test_going_live_without_a_metric_is_refused() -> None:
    api = house.member_of(factories.organization())

    response = api.post("/optimizations", factories.body(status="live"))

    error = house.error_of(response)
    assert (response.status_code, error["code"]) == (400, "invalid_parameters")
    assert error["details"][0]["field"] == "reward_metric_id"
    _assert_nothing_written()


F = "training_data_config"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"surprise": 1}, "surprise"),
        ({"holdout_percentage": 50.1}, "holdout_percentage"),
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
            "guardrail_metric_ids",
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
        ({"model_type": "mab"}, f"{F}.context_factors"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_written(
    changes: dict[str, object], field: str
) -> None:
    api = house.member_of(factories.organization())

    response = api.post("/optimizations", factories.body(**changes))

    error = house.error_of(response)
    assert (response.status_code, error["code"]) == (400, "invalid_parameters")
    assert [problem["field"] for problem in error["details"]] == [field]
    _assert_nothing_written()


def _levels(count: int) -> list[str]:
    return [f"level {number}" for number in range(count)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"design_factors": []}, "design_factors"),
        (
            {"design_factors": [factories.factor("a", "x")]},
            "design_factors[0].levels",
        ),
        (
            {"design_factors": [factories.factor("a", "x", "x")]},
            "design_factors[0].levels[1]",
        ),
        (
            {"design_factors": [factories.factor("a", "x", "y", factories.BOTH[0])]},
            "design_factors[0].levels[2]",
        ),
        (
            {
                "design_factors": [
                    factories.factor("a", "x", "y"),
                    factories.factor("a", "x", "y"),
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
                    factories.factor("a", *_levels(10)),
                    factories.factor("b", *_levels(11)),
                ]
            },
            "design_factors",
        ),
        (
            {"context_factors": [factories.factor("c", *_levels(51))]},
            "context_factors[0].levels",
        ),
        (
            {
                "context_factors": [
                    factories.factor("c", *_levels(43)),
                    factories.factor("d", *_levels(43)),
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
def test_a_bad_config_is_named_by_its_dotted_path(
    changes: dict[str, object], field: str
) -> None:
    api = house.member_of(factories.organization())
    config = factories.config(**changes)

    response = api.post("/optimizations", factories.body(training_data_config=config))

    error = house.error_of(response)
    assert response.status_code == 400
    assert [problem["field"] for problem in error["details"]] == [f"{F}.{field}"]
    _assert_nothing_written()


def test_the_largest_design_is_accepted() -> None:
    api = house.member_of(factories.organization())
    config = factories.config(
        design_factors=[
            factories.factor("a", *_levels(10)),
            factories.factor("b", *_levels(10)),
        ],
        context_factors=[
            factories.factor("c", *_levels(48)),
            factories.factor("d", *_levels(38)),
        ],
    )

    response = api.post("/optimizations", factories.body(training_data_config=config))

    assert response.status_code == 201, response.content
    assert house.body_of(response)["variants_count"] == 100


def test_the_reward_type_must_be_the_metrics() -> None:
    organization = factories.organization()
    metric = factories.metric(organization)
    config = factories.config(reward={"name": "revenue", "type": "numeric"})
    body = factories.body(reward_metric_id=str(metric.pk), training_data_config=config)

    response = house.member_of(organization).post("/optimizations", body)

    error = house.error_of(response)
    assert response.status_code == 400
    assert error["details"][0]["field"] == f"{F}.reward.type"
    _assert_nothing_written()


def test_exclusions_must_leave_two_variants() -> None:
    api = house.member_of(factories.organization())
    excluded = [{"headline": "B"}, {"headline": "A", "cta": True}]

    response = api.post(
        "/optimizations", factories.body(excluded_combinations=excluded)
    )

    assert house.error_of(response)["details"][0]["field"] == "excluded_combinations"
    assert response.status_code == 400
    _assert_nothing_written()


def test_lists_show_rows_newest_first_without_archived_ones() -> None:
    organization = factories.organization()
    api = house.admin_of(organization)
    first = factories.optimization(organization, name="First red")
    second = factories.optimization(organization, name="Second", status="draft")
    gone = factories.optimization(organization, name="Gone red", status="draft")
    api.post(f"/optimizations/{gone.pk}/archive")

    whole = house.body_of(api.get("/optimizations"))
    archived = house.body_of(api.get("/optimizations?include_archived=true&limit=2"))
    drafts = house.body_of(api.get("/optimizations?status=draft"))
    red = house.body_of(api.get("/optimizations?search=RED&include_archived=true"))

    assert [row["id"] for row in whole["optimizations"]] == [
        str(second.pk),
        str(first.pk),
    ]
    assert set(whole["optimizations"][0]) == {
        "id",
        "name",
        "status",
        "model_status",
        "model_id",
        "created_at",
        "updated_at",
        "summary",
    }
    assert whole["optimizations"][0]["summary"] is None
    assert whole["next_cursor"] is None
    assert len(archived["optimizations"]) == 2
    assert archived["next_cursor"]
    assert [row["id"] for row in drafts["optimizations"]] == [str(second.pk)]
    assert {row["id"] for row in red["optimizations"]} == {str(first.pk), str(gone.pk)}
    assert api.get("/optimizations?status=nope").status_code == 400
    assert api.get("/optimizations?include_archived=1").status_code == 400


def test_a_trained_ones_row_has_the_summary_of_its_training() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization)
    figures = {"lift": 8.2, "confidence": 0.97, "exposures": 1200}
    optimization.model.policy_versions.update(report={"summary": figures, "more": 1})

    body = house.body_of(house.member_of(organization).get("/optimizations"))

    row = body["optimizations"][0]
    assert row["summary"] == {"variants_count": 4, **figures}


def test_a_list_costs_the_same_queries_however_long(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    organization = factories.organization()
    api = house.member_of(organization)
    for _ in range(5):
        factories.optimization(organization)

    with django_assert_max_num_queries(6):
        api.get("/optimizations")


def test_another_organizations_is_not_found() -> None:
    optimization = factories.optimization(factories.organization())
    stranger = house.admin_of(factories.organization())
    place = f"/optimizations/{optimization.pk}"
    before = Optimization.objects.values().get(pk=optimization.pk)

    answers = [
        stranger.get(place),
        stranger.patch(place, {"name": "mine"}),
        stranger.delete(place),
        stranger.post(f"{place}/ship"),
        stranger.post(f"{place}/stop"),
        stranger.post(f"{place}/archive"),
        stranger.get(f"{place}/variants"),
        stranger.patch(f"{place}/variants/2", {"enabled": False}),
        stranger.get(f"{place}/variants/by-number/1/screenshot"),
        stranger.get(f"{place}/decisions/u1"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert house.body_of(stranger.get("/optimizations"))["optimizations"] == []
    assert Optimization.objects.values().get(pk=optimization.pk) == before


def test_another_organizations_metric_is_no_metric() -> None:
    metric = factories.metric(factories.organization())
    api = house.member_of(factories.organization())

    response = api.post(
        "/optimizations", factories.body(reward_metric_id=str(metric.pk))
    )

    assert house.error_of(response)["details"][0]["field"] == "reward_metric_id"
    _assert_nothing_written()


def test_a_change_is_audited_and_seen() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization)
    api = house.member_of(organization)
    place = f"/optimizations/{optimization.pk}"

    response = api.patch(place, {"name": "New", "exploration_share": 0.05})

    assert response.status_code == 200, response.content
    body = house.body_of(response)
    assert (body["name"], body["exploration_share"]) == ("New", 0.05)
    entry = AuditEntry.objects.get(action="optimization.change")
    assert entry.changes == {"name": "New", "exploration_share": 0.05}
    assert entry.actor_id == "user_bob"


def test_a_stale_if_match_changes_nothing() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization)
    api = house.member_of(organization)
    place = f"/optimizations/{optimization.pk}"
    seen = api.get(place)["ETag"]
    api.patch(place, {"name": "New"})

    response = api.patch(place, {"name": "Newer"}, If_Match=seen)

    assert response.status_code == 412
    optimization.refresh_from_db()
    assert optimization.name == "New"


def test_while_a_draft_everything_may_change() -> None:
    organization = factories.organization()
    metric = factories.metric(organization)
    optimization = factories.optimization(organization, status="draft")
    api = house.member_of(organization)
    config = factories.config(design_factors=[factories.factor("color", "r", "g", "b")])

    response = api.patch(
        f"/optimizations/{optimization.pk}",
        {
            "training_data_config": config,
            "reward_metric_id": str(metric.pk),
            "status": "live",
        },
    )

    assert response.status_code == 200, response.content
    assert house.body_of(response)["variants_count"] == 3
    keys = Variant.objects.order_by("number").values_list("variant_key", flat=True)
    assert list(keys) == ['{"color":"r"}', '{"color":"g"}', '{"color":"b"}']
    assert PolicyVersion.objects.get().variants == 3


@pytest.mark.parametrize(
    ("left_out", "status"),
    [("reward", 400), ("design_factors", 400), ("context_factors", 200)],
)
def test_a_changed_config_is_whole(left_out: str, status: int) -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization, status="draft")
    config = factories.config(attribution={"type": "first_touch"})
    del config[left_out]

    response = house.member_of(organization).patch(
        f"/optimizations/{optimization.pk}", {"training_data_config": config}
    )

    assert response.status_code == status, response.content
    optimization.model.refresh_from_db()
    kept = optimization.model.training_data_config
    if status == 200:
        assert kept["context_factors"] == []
        assert kept["attribution"]["horizon_hours"] == 24
    else:
        field = f"training_data_config.{left_out}"
        assert house.error_of(response)["details"][0]["field"] == field
        assert kept["attribution"]["type"] == "last_touch"


@pytest.mark.parametrize(
    "name", ["training_data_config", "reward_metric_id", "assignment_source_id"]
)
def test_once_live_the_design_is_fixed(name: str) -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization)
    given = {name: factories.config() if name == "training_data_config" else None}

    response = house.member_of(organization).patch(
        f"/optimizations/{optimization.pk}", given
    )

    assert response.status_code == 409
    assert "draft" not in house.error_of(response)["message"]
    assert not AuditEntry.objects.filter(action="optimization.change").exists()


def test_a_draft_is_deleted_for_real() -> None:
    organization = factories.organization()
    optimization = factories.optimization(organization, status="draft")
    api = house.admin_of(organization)

    response = api.delete(f"/optimizations/{optimization.pk}")

    assert response.status_code == 204
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()


def _assert_nothing_written() -> None:
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="optimization").exists()
