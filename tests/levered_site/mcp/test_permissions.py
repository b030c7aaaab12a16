"""What an agent cannot do: use other organizations, exceed its role, skip a confirm."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests.support import mcp_worlds
from tests.support.mcp_worlds import World, fill_in_ids

# For each tool that takes an id, calls that would read or change the object.
CALLS_WITH_IDS: list[tuple[str, dict[str, Any]]] = [
    ("get_optimization", {"optimization_id": "{live}"}),
    ("get_results", {"optimization_id": "{live}"}),
    ("get_results", {"optimization_id": "{live}", "view": "touches"}),
    ("update_optimization", {"optimization_id": "{draft}", "name": "Mine"}),
    ("change_status", {"optimization_id": "{live}", "to": "paused", "confirm": True}),
    ("serve_variant", {"optimization_id": "{live}", "anonymous_id": "x"}),
    (
        "serve_variant",
        {"optimization_id": "{live}", "anonymous_id": "x", "dry_run": False},
    ),
    ("explain_decision", {"optimization_id": "{live}", "anonymous_id": "{served}"}),
    ("train_model", {"optimization_id": "{live}", "confirm": True}),
    ("explore_warehouse", {"look": "metrics", "id": "{metric}"}),
    ("explore_warehouse", {"look": "preview", "id": "{metric}"}),
    ("define_metric", {"id": "{metric}", "name": "Mine", "confirm": True}),
    (
        "create_optimization",
        {
            "name": "x",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": "{metric}",
        },
    ),
    ("delete", {"kind": "optimization", "id": "{draft}", "confirm": True}),
    ("delete", {"kind": "metric", "id": "{metric}", "confirm": True}),
]
ADMIN_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("change_status", {"optimization_id": "{live}", "to": "shipped"}),
    ("change_status", {"optimization_id": "{live}", "to": "completed"}),
    ("change_status", {"optimization_id": "{draft}", "to": "archived"}),
    ("connect_warehouse", {"provider": "managed"}),
    ("create_api_key", {"label": "mine"}),
    ("delete", {"kind": "optimization", "id": "{draft}"}),
    ("delete", {"kind": "metric", "id": "{metric}"}),
    ("delete", {"kind": "candidate", "id": "{live}"}),
    ("train_model", {"optimization_id": "{live}", "action": "promote_candidate"}),
    ("delete", {"kind": "person", "id": "{served}"}),
    ("delete", {"kind": "warehouse_connection"}),
]
CALLS_THAT_NEED_A_CONFIRM: list[tuple[str, dict[str, Any]]] = [
    *ADMIN_CALLS[1:3],
    ("create_api_key", {"label": "mine"}),
    ("delete", {"kind": "optimization", "id": "{draft}"}),
    ("delete", {"kind": "person", "id": "{served}"}),
    ("change_status", {"optimization_id": "{live}", "to": "paused"}),
    ("update_optimization", {"optimization_id": "{live}", "holdout_percentage": 33}),
    (
        "update_optimization",
        {"optimization_id": "{live}", "variant": {"number": 2, "enabled": False}},
    ),
    ("define_metric", {"id": "{metric}", "name": "Renamed"}),
    ("train_model", {"optimization_id": "{live}"}),
    (
        "create_optimization",
        {
            "name": "At once",
            "training_data_config": mcp_worlds.CONFIG,
            "reward_metric_id": "{metric}",
            "status": "live",
        },
    ),
]


def read_everything(world: World) -> str:
    """Return all that an organization can read of itself, as JSON.

    Every page: which rows the first one holds depends on how long they are.
    """
    admin = world.admin
    answers: list[Any] = [
        admin.list_rows("overview", show=show, limit=100)
        for show in ("optimizations", "models", "api_keys")
    ]
    for optimization_id in (world.live, world.draft):
        read = {"optimization_id": optimization_id}
        answers.append(admin.call_successfully("get_optimization", **read))
        answers += [
            admin.list_rows("get_optimization", **read, detail=detail)
            for detail in ("variants", "training_runs")
        ]
    answers.append(
        admin.call_successfully("explore_warehouse", look="metrics", id=world.metric)
    )
    answers.append(
        admin.call_successfully(
            "get_results", optimization_id=world.live, view="touches"
        )["total"]
    )
    return json.dumps(answers, sort_keys=True)


def test_objects_of_another_organization_are_not_found(
    world: World, other: World
) -> None:
    before = read_everything(world)

    errors = [
        other.admin.call_expecting_error(tool, **fill_in_ids(arguments, world))
        for tool, arguments in CALLS_WITH_IDS
    ]

    for text in errors:
        assert "not_found" in text or "no such metric" in text, text
    assert read_everything(world) == before


def test_lists_and_counts_cover_only_the_own_organization(
    world: World, other: World
) -> None:
    mine, theirs = (
        {
            row["id"]
            for row in owner.admin.call_successfully("overview", limit=100)["items"]
        }
        for owner in (world, other)
    )
    count = world.admin.call_successfully(
        "explore_warehouse",
        look="query",
        # Not those that other tests send.
        sql="SELECT COUNT(*) AS n FROM managed_dw.rewards "
        "WHERE anonymous_id LIKE 'user-%'",
    )

    assert mine
    assert theirs
    assert not mine & theirs
    assert count["items"] == [[14]]


def test_a_member_may_not_make_admin_calls_with_or_without_a_confirm(
    world: World,
) -> None:
    before = read_everything(world)

    errors = [
        world.member.call_expecting_error(
            tool, **fill_in_ids(arguments, world), confirm=confirm
        )
        for tool, arguments in ADMIN_CALLS
        for confirm in (False, True)
    ]
    errors.append(
        world.member.call_expecting_error(
            "send_events",
            kind="rewards",
            events=[{"anonymous_id": "x", "name": "signup"}],
        )
    )

    for text in errors:
        assert text.startswith("forbidden: Only an admin"), text
        assert "ask an admin" in text
    assert read_everything(world) == before


def test_a_member_creates_changes_trains_and_reads(world: World) -> None:
    draft = mcp_worlds.create_draft(world.member, "A member's", world.metric)

    answer = world.member.call_successfully(
        "update_optimization", optimization_id=draft, name="Renamed by a member"
    )

    assert answer["changes"]["name"] == ["A member's", "Renamed by a member"]
    world.member.call_successfully("train_model", optimization_id=world.live)
    world.member.call_successfully("get_results", optimization_id=world.live)


@pytest.mark.parametrize(("tool", "arguments"), CALLS_THAT_NEED_A_CONFIRM)
def test_a_call_without_a_confirm_changes_nothing_and_says_what_it_would_change(
    world: World, tool: str, arguments: dict[str, Any]
) -> None:
    before = read_everything(world)

    answer = world.admin.call_successfully(tool, **fill_in_ids(arguments, world))

    assert answer["done"] is False
    assert answer["summary"].startswith("Nothing has changed yet. This would ")
    assert "confirm: true" in answer["next"]
    assert read_everything(world) == before


def hide_count_times(text: str) -> str:
    """Return the JSON without the times of the last count."""
    return re.sub(r'"as_of": "[^"]+"', '"as_of": "a time"', text)


def test_a_preview_of_shipping_counts_and_changes_nothing_else(world: World) -> None:
    live = {"optimization_id": world.live}
    world.admin.call_successfully("get_results", **live, refresh="true")
    before = read_everything(world)

    answer = world.admin.call_successfully("change_status", **live, to="shipped")

    assert answer["done"] is False
    assert answer["summary"].startswith("Nothing has changed yet. This would ")
    assert "confirm: true" in answer["next"]
    assert hide_count_times(read_everything(world)) == hide_count_times(before)


def test_a_refused_preview_of_shipping_has_nothing_counted(world: World) -> None:
    live = {"optimization_id": world.live}
    world.admin.call_successfully(
        "serve_variant", **live, anonymous_id="not counted yet", dry_run=False
    )
    before = read_everything(world)

    error = world.member.call_expecting_error("change_status", **live, to="shipped")

    assert error.startswith("forbidden: Only an admin")
    assert read_everything(world) == before


def test_a_dry_run_records_nothing_and_a_real_serve_a_receipt(world: World) -> None:
    user = {"optimization_id": world.live, "anonymous_id": "somebody new"}

    world.admin.call_successfully("serve_variant", **user)
    error = world.admin.call_expecting_error("explain_decision", **user)
    world.admin.call_successfully("serve_variant", **user, dry_run=False)
    explanation = world.admin.call_successfully("explain_decision", **user)

    assert "never served" in error
    assert explanation["receipts_count"] == 1


def test_an_update_whose_part_fails_changes_nothing(world: World) -> None:
    before = read_everything(world)

    error = world.admin.call_expecting_error(
        "update_optimization",
        optimization_id=world.draft,
        name="Half",
        variant={"number": 1, "enabled": False},
        confirm=True,
    )

    assert "baseline" in error
    assert read_everything(world) == before


def test_a_candidate_is_set_compared_and_deleted(world: World) -> None:
    """It cannot be promoted before a training run has made its policy table."""
    live = {"optimization_id": world.live}
    world.admin.call_successfully(
        "update_optimization", **live, candidate={"allocation": "uniform"}, confirm=True
    )

    results = world.admin.call_successfully("get_results", **live, view="candidate")
    error = world.admin.call_expecting_error(
        "train_model", **live, action="promote_candidate"
    )
    world.admin.call_successfully(
        "delete", kind="candidate", id=world.live, confirm=True
    )

    assert results["figures"]["allocation"] == "uniform"
    assert "no training has made a table" in error
    world.admin.call_expecting_error("get_results", **live, view="candidate")


def test_an_update_that_changes_nothing_asks_for_no_confirm(world: World) -> None:
    live = {"optimization_id": world.live}

    answer = world.admin.call_successfully(
        "update_optimization", **live, name="Live one"
    )

    assert answer["summary"] == "Nothing would change: it already has these values."
    assert "confirm" not in answer["next"]


def test_a_deletion_without_a_confirm_names_what_it_would_delete(world: World) -> None:
    answer = world.admin.call_successfully(
        "delete", kind="optimization", id=world.draft
    )

    assert answer["done"] is False
    assert answer["changes"]["status"] == ["draft", None]


def test_refresh_may_be_a_boolean_too(world: World) -> None:
    progress = {"optimization_id": world.live, "view": "progress"}

    answer = world.admin.call_successfully("get_results", **progress, refresh=True)

    assert "figures" in answer


def test_a_forbidden_call_advises_an_admin_to_check_the_ids(world: World) -> None:
    event = {"anonymous_id": "ann", "optimization_id": str(uuid4()), "name": "x"}

    error = world.admin.call_expecting_error(
        "send_events", kind="rewards", events=[event]
    )

    assert "check the ids" in error


def test_a_null_value_is_refused_as_by_the_api(world: World) -> None:
    error = world.admin.call_expecting_error(
        "send_events",
        kind="rewards",
        events=[{"anonymous_id": "ann", "name": "purchase", "value": None}],
    )

    assert "value" in error
    assert "must be a number" in error


def test_the_same_idempotency_key_creates_once(world: World) -> None:
    arguments = {
        "name": "Once",
        "training_data_config": mcp_worlds.CONFIG,
        "idempotency_key": "once",
    }

    answers = [
        world.admin.call_successfully("create_optimization", **arguments)
        for _ in range(2)
    ]

    assert answers[0]["optimization"]["id"] == answers[1]["optimization"]["id"]


def test_only_the_answer_that_creates_a_key_has_a_secret(world: World) -> None:
    answer = world.admin.call_successfully(
        "create_api_key", label="shown once", confirm=True
    )
    secret = answer["api_key"]["secret"]
    error = world.admin.call_expecting_error(
        "connect_warehouse",
        provider="postgres",
        credentials={
            "host": "203.0.113.1",
            "database": "shop",
            "username": "levered",
            "password": "hunter-two",
        },
    )

    texts = read_everything(world) + error

    assert secret.startswith("lev_")
    assert secret not in texts
    assert "hunter-two" not in texts
    assert world.admin.token[-40:] not in texts
