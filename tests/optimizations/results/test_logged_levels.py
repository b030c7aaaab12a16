"""What was logged and is not configured is counted, named by example, and told."""

from typing import Any

import pytest

from optimizations.models import Optimization
from tests.support import cube_events, factories, traffic
from tests.support.cube_events import days_ago
from tests.support.factories import read_body
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

RENAMED = '{"cta":false,"headline":"a"}'


def _send(optimization: Optimization, users: int, **fields: Any) -> None:
    prefix = fields.pop("prefix", "u")
    at = days_ago(1).isoformat()
    events = [
        traffic.build_exposure(
            optimization, f"{prefix}{number}", **{"timestamp": at, **fields}
        )
        for number in range(users)
    ]
    traffic.send_exposures(optimization, events)


def _read_results(optimization: Optimization) -> dict[str, Any]:
    api = factories.make_member_api(optimization.organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/results?refresh=true"))


def _list_codes(results: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in results["health"]["reasons"]]


def test_an_unknown_variant_is_red_and_breaks_the_health() -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 20, context={"device": "mobile"})
    for number, variant in enumerate([RENAMED, RENAMED, "null", ""]):
        ManagedExposure.objects.filter(anonymous_id=f"u{number}").update(
            variant=variant
        )

    results = _read_results(optimization)

    check = results["checks"]["unknown_variant"]
    assert (check["ok"], check["share"], check["limit"]) == (False, 0.2, 0.02)
    assert check["examples"][0] == {
        "factor": None,
        "value": RENAMED,
        "users": 2,
        "differs_in_case_from": '{"cta":false,"headline":"A"}',
    }
    assert {example["value"] for example in check["examples"]} == {RENAMED, "null", ""}
    assert results["health"]["status"] == "broken"
    (reason,) = results["health"]["reasons"]
    assert reason["code"] == "unknown_variant"
    assert "20% of users" in reason["message"]
    assert RENAMED in reason["message"]


def test_contexts_that_fall_to_other_are_named_with_their_case() -> None:
    optimization = cube_events.make_optimization()
    for value, users in (("Mobile", 9), ("tablet", 5), ("tv", 3), ("watch", 1)):
        _send(optimization, users, context={"device": value}, prefix=value)
    _send(optimization, 2, context={"device": "mobile"})
    _send(optimization, 2, prefix="missing")

    results = _read_results(optimization)

    check = results["checks"]["unknown_context"]
    assert (check["ok"], check["share"]) == (False, 18 / 22)
    assert [
        (example["value"], example["users"], example["differs_in_case_from"])
        for example in check["examples"]
    ] == [("Mobile", 9, "mobile"), ("tablet", 5, None), ("tv", 3, None)]
    assert {example["factor"] for example in check["examples"]} == {"device"}
    assert (results["health"]["status"], _list_codes(results)) == (
        "warning",
        ["unknown_context"],
    )


@pytest.mark.parametrize(
    ("stored", "seen", "named"),
    [
        ('{"Device":"mobile"}', "keys seen: Device.", "Device"),
        ('{"plan":"pro","country":"DE"}', "keys seen: country, plan.", None),
        ("", "keys seen: no context.", None),
        ("{}", "keys seen: no context.", None),
        ("null", "keys seen: no context.", None),
    ],
)
def test_a_context_factor_that_nobody_has_is_a_warning_with_the_keys_seen(
    stored: str, seen: str, named: str | None
) -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 20)
    ManagedExposure.objects.update(context=stored)

    results = _read_results(optimization)

    check = results["checks"]["missing_context"]
    assert (check["ok"], check["share"]) == (False, 1.0)
    (factor,) = check["factors"]
    assert factor == {
        "factor": "device",
        "missing": 20,
        "first_exposures": 20,
        "differs_in_case_from": named,
    }
    (reason,) = results["health"]["reasons"]
    assert (results["health"]["status"], reason["code"]) == (
        "warning",
        "missing_context",
    )
    assert reason["message"].startswith(
        "Context factor device was missing in 100% (20 of 20) of first exposures"
    )
    assert reason["message"].endswith(seen)


def test_a_context_factor_that_some_have_is_no_fault_and_is_noted() -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 20)
    _send(optimization, 2, context={"device": "mobile"}, prefix="known")

    results = _read_results(optimization)

    check = results["checks"]["missing_context"]
    (factor,) = check["factors"]
    assert (check["ok"], factor["factor"], factor["missing"]) == (True, "device", 20)
    assert check["keys_seen"] == ["no context"]
    assert results["health"]["status"] == "ok"
    (note,) = results["notes"]
    assert note.startswith(
        "Context factor device was missing in 90.9% (20 of 22) of first exposures. Such "
        "users count as (missing) of that factor"
    )


def test_a_context_factor_that_few_lack_is_not_noted() -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 1)
    _send(optimization, 21, context={"device": "mobile"}, prefix="known")

    results = _read_results(optimization)

    assert results["checks"]["missing_context"]["factors"] == []
    assert results["notes"] == []


def test_known_variants_and_contexts_are_ok_and_name_nothing() -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 3, context={"device": "mobile"})

    results = _read_results(optimization)

    for name in ("unknown_variant", "unknown_context"):
        check = results["checks"][name]
        assert (check["ok"], check["share"], check["examples"]) == (True, 0.0, [])
    assert results["health"]["status"] == "ok"


def test_without_users_the_checks_cannot_tell() -> None:
    results = _read_results(cube_events.make_optimization())

    assert results["checks"]["unknown_variant"]["ok"] is None
    assert results["checks"]["unknown_context"]["reason"] == "no users yet"


def test_exposures_of_disabled_variants_and_unknown_versions_count_and_are_named() -> (
    None
):
    optimization = cube_events.make_optimization()
    factories.make_member_api(optimization.organization).patch(
        f"/optimizations/{optimization.pk}/variants/4", {"enabled": False}
    )
    both = {"headline": "B", "cta": True}
    now = {"timestamp": None}
    _send(optimization, 8, policy_version=0, **now)
    _send(optimization, 1, variant=both, prefix="disabled", **now)
    _send(optimization, 1, policy_version=99, prefix="future", **now)

    results = _read_results(optimization)

    checks = results["checks"]
    assert (checks["disabled_variant"]["share"], checks["disabled_variant"]["ok"]) == (
        0.1,
        False,
    )
    assert checks["unknown_policy_version"]["share"] == 0.1
    assert sum(variant["users"] for variant in results["variants"]) == 10
    assert _list_codes(results) == [
        "disabled_variant",
        "unknown_policy_version",
        "no_mature_users",
    ]


def test_exposures_from_before_going_live_count_as_imported_history() -> None:
    optimization = cube_events.make_optimization()
    _send(optimization, 3, timestamp=days_ago(30).isoformat(), prefix="old")
    _send(optimization, 1, timestamp=None)

    results = _read_results(optimization)

    check = results["checks"]["imported_history"]
    assert (check["ok"], check["exposures"], check["share"]) == (True, 3, 0.75)
    assert check["by_reason"] == {"before_launch": 3}
    assert check["reason"].startswith("75% of exposures count as imported history")
    assert sum(variant["exposures"] for variant in results["variants"]) == 4
    assert results["health"]["status"] == "ok"
