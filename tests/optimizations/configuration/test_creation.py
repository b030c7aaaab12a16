"""Creating optimizations over HTTP, and how they are represented."""

import pytest

from models_app.models import PolicyVersion
from optimizations.models import Optimization
from tests.support import optimization_factories
from tests.support.factories import make_member_api, read_body

pytestmark = pytest.mark.django_db


def test_a_created_optimization_is_live_and_represented_in_full() -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    api = make_member_api(organization)

    response = api.post(
        "/optimizations",
        optimization_factories.make_body(reward_metric_id=str(metric.pk)),
    )

    assert response.status_code == 201, response.content
    body = read_body(response)
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
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )

    keys = optimization.variants.order_by("number").values_list("number", "variant_key")

    assert list(keys) == [
        (1, '{"cta":false,"headline":"A"}'),
        (2, '{"cta":true,"headline":"A"}'),
        (3, '{"cta":false,"headline":"B"}'),
        (4, '{"cta":true,"headline":"B"}'),
    ]


def test_without_a_metric_it_is_a_draft() -> None:
    api = make_member_api(optimization_factories.make_organization())

    body = read_body(api.post("/optimizations", optimization_factories.make_body()))

    assert (body["status"], body["reward_metric"]) == ("draft", None)
    assert body["went_live_at"] is None
    assert not PolicyVersion.objects.exists()
