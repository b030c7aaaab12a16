"""A connected Postgres: what is logged there and cannot count is named by the checks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizations.models import Optimization, RecordingGap
from tests.support import factories
from tests.support.factories import read_body
from tests.support.reference_cube import Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import METRIC, SOURCE, connect_warehouse, create_optimization

pytestmark = pytest.mark.django_db(transaction=True)

KNOWN, RENAMED = '{"cta":true,"headline":"B"}', '{"headline":"b","cta":"true"}'
SAME_TEXT = '{"headline": "B", "cta": "true"}'


@pytest.mark.parametrize(
    ("context", "seen"),
    [
        ("{'device': 'mobile'}", "no JSON object"),
        ('"mobile"', "no JSON object"),
        ('{"Device": "mobile", "plan": {"name": "pro"}}', "Device, plan"),
        ("", "no context"),
    ],
)
def test_contexts_that_no_factor_is_read_from_are_a_warning_with_the_keys_seen(
    second: SecondServer, context: str, seen: str
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric_id = read_body(alice.post("/warehouse/metrics", METRIC))["id"]
    pk = create_optimization(alice, metric_id, holdout_percentage=0)["id"]
    at = timezone.now()
    second.store(
        pk, [Touch(f"u{number}", at, KNOWN, context, 0) for number in range(20)]
    )

    results = read_body(alice.get(f"/optimizations/{pk}/results?refresh=true"))

    (reason,) = (
        reason
        for reason in results["health"]["reasons"]
        if reason["code"] == "missing_context"
    )
    assert (results["health"]["status"], reason["code"]) == (
        "warning",
        "missing_context",
    )
    assert "device was missing in 100% (20 of 20) of first" in reason["message"]
    assert reason["message"].endswith(f"keys seen: {seen}.")


def test_renamed_levels_break_the_health_and_times_of_a_pause_are_reported(
    second: SecondServer,
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    alice.post("/warehouse/assignment-sources", SOURCE)
    metric_id = read_body(alice.post("/warehouse/metrics", METRIC))["id"]
    pk = create_optimization(alice, metric_id, holdout_percentage=0)["id"]
    now = timezone.now()
    launch, pause = now - timedelta(days=9), now - timedelta(days=4)
    Optimization.objects.get(pk=pk).regimes.update(starts_at=launch)
    Optimization.objects.filter(pk=pk).update(went_live_at=launch)
    RecordingGap.objects.create(
        optimization_id=pk,
        starts_at=pause,
        ends_at=pause + timedelta(days=1),
        status="paused",
    )
    logged = [KNOWN, SAME_TEXT, *[RENAMED] * 6, "{}", "nonsense"]
    context = '{"device":"Mobile"}'
    touches = [
        Touch(f"u{number}", launch + timedelta(hours=1), variant, context, 0)
        for number, variant in enumerate(logged)
    ]
    touches += [
        Touch("old", launch - timedelta(days=20), KNOWN, context, 0),
        Touch("paused", pause + timedelta(hours=1), KNOWN, context, 0),
    ]
    second.store(pk, touches)

    results = read_body(alice.get(f"/optimizations/{pk}/results?refresh=true"))

    checks = results["checks"]
    unknown = checks["unknown_variant"]
    assert (unknown["ok"], unknown["share"]) == (False, 8 / 11)
    example = unknown["examples"][0]
    assert (example["value"], example["users"], example["differs_in_case_from"]) == (
        '{"cta":"true","headline":"b"}',
        6,
        KNOWN,
    )
    assert {example["value"] for example in unknown["examples"][1:]} == {
        "{}",
        "nonsense",
    }
    assert checks["unknown_context"]["share"] == 1.0
    assert checks["unknown_context"]["examples"][0]["differs_in_case_from"] == "mobile"
    assert checks["uncounted_exposures"]["by_reason"] == {"paused": 1}
    assert checks["imported_history"]["by_reason"] == {"before_launch": 1}
    assert results["health"]["status"] == "broken"
    known = {variant["number"]: variant["users"] for variant in results["variants"]}
    assert sum(known.values()) == 3  # a level is the same as a text
