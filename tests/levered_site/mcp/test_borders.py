"""What no agent gets past: another organization, another role, a missing confirm."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.levered_site.mcp.test_tools import placed
from tests.support import mcp_worlds
from tests.support.mcp_worlds import World

# Of each tool that names a thing, a call that would read or change it.
NAMING: list[tuple[str, dict[str, Any]]] = [
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
FOR_ADMINS: list[tuple[str, dict[str, Any]]] = [
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
CONFIRMED: list[tuple[str, dict[str, Any]]] = [
    *FOR_ADMINS[:3],
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


def everything(world: World) -> str:
    """Write down all that an organization can see of itself."""
    admin = world.admin
    seen: list[Any] = [
        admin.call_successfully("overview", show=show, limit=100)["items"]
        for show in ("optimizations", "models", "api_keys")
    ]
    for one in (world.live, world.draft):
        seen += [
            admin.call_successfully(
                "get_optimization", optimization_id=one, detail=detail
            )
            for detail in ("summary", "variants", "training_runs")
        ]
    seen.append(
        admin.call_successfully("explore_warehouse", look="metrics", id=world.metric)
    )
    seen.append(
        admin.call_successfully(
            "get_results", optimization_id=world.live, view="touches"
        )["total"]
    )
    return json.dumps(seen, sort_keys=True)


def test_what_is_another_organizations_does_not_exist(
    world: World, other: World
) -> None:
    before = everything(world)

    told = [
        other.admin.call_expecting_error(tool, **placed(arguments, world))
        for tool, arguments in NAMING
    ]

    for text in told:
        assert "not_found" in text or "no such metric" in text, text
    assert everything(world) == before


def test_lists_and_counts_hold_the_own_organization_alone(
    world: World, other: World
) -> None:
    mine, theirs = (
        {
            row["id"]
            for row in each.admin.call_successfully("overview", limit=100)["items"]
        }
        for each in (world, other)
    )
    counted = world.admin.call_successfully(
        "explore_warehouse",
        look="query",
        sql="SELECT COUNT(*) AS n FROM managed_dw.rewards",
    )

    assert mine
    assert theirs
    assert not mine & theirs
    assert counted["items"] == [[14]]


def test_a_member_is_refused_what_only_admins_may_before_and_after_a_confirm(
    world: World,
) -> None:
    before = everything(world)

    told = [
        world.member.call_expecting_error(
            tool, **placed(arguments, world), confirm=confirm
        )
        for tool, arguments in FOR_ADMINS
        for confirm in (False, True)
    ]
    told.append(
        world.member.call_expecting_error(
            "send_events",
            kind="rewards",
            events=[{"anonymous_id": "x", "name": "signup"}],
        )
    )

    for text in told:
        assert text.startswith("forbidden: Only an admin"), text
        assert "ask an admin" in text
    assert everything(world) == before


def test_a_member_creates_changes_trains_and_reads(world: World) -> None:
    made = mcp_worlds.create_draft(world.member, "A member's", world.metric)

    shown = world.member.call_successfully(
        "update_optimization", optimization_id=made, name="Renamed by a member"
    )

    assert shown["changes"]["name"] == ["A member's", "Renamed by a member"]
    world.member.call_successfully("train_model", optimization_id=world.live)
    world.member.call_successfully("get_results", optimization_id=world.live)


@pytest.mark.parametrize(("tool", "arguments"), CONFIRMED)
def test_without_a_confirm_nothing_changes_and_it_says_what_would(
    world: World, tool: str, arguments: dict[str, Any]
) -> None:
    before = everything(world)

    shown = world.admin.call_successfully(tool, **placed(arguments, world))

    assert shown["done"] is False
    assert shown["summary"].startswith("Nothing has changed yet. This would ")
    assert "confirm: true" in shown["next"]
    assert everything(world) == before


def test_a_dry_run_records_nothing_and_a_real_serve_a_receipt(world: World) -> None:
    asked = {"optimization_id": world.live, "anonymous_id": "somebody new"}

    world.admin.call_successfully("serve_variant", **asked)
    nothing = world.admin.call_expecting_error("explain_decision", **asked)
    world.admin.call_successfully("serve_variant", **asked, dry_run=False)
    why = world.admin.call_successfully("explain_decision", **asked)

    assert "never served" in nothing
    assert why["receipts_count"] == 1


def test_a_part_that_fails_takes_the_whole_change_back(world: World) -> None:
    before = everything(world)

    told = world.admin.call_expecting_error(
        "update_optimization",
        optimization_id=world.draft,
        name="Half",
        variant={"number": 1, "enabled": False},
        confirm=True,
    )

    assert "baseline" in told
    assert everything(world) == before


def test_a_candidate_is_set_compared_and_dropped(world: World) -> None:
    """Its promotion waits for a training that made a table of it."""
    one = {"optimization_id": world.live}
    world.admin.call_successfully(
        "update_optimization", **one, candidate={"allocation": "uniform"}, confirm=True
    )

    shown = world.admin.call_successfully("get_results", **one, view="candidate")
    told = world.admin.call_expecting_error(
        "train_model", **one, action="promote_candidate"
    )
    world.admin.call_successfully(
        "delete", kind="candidate", id=world.live, confirm=True
    )

    assert shown["figures"]["allocation"] == "uniform"
    assert "no training has made a table" in told
    world.admin.call_expecting_error("get_results", **one, view="candidate")


def test_what_is_so_already_asks_for_no_confirm(world: World) -> None:
    one = {"optimization_id": world.live}

    answer = world.admin.call_successfully(
        "update_optimization", **one, name="Live one"
    )

    assert answer["summary"] == "Nothing would change: it is so already."
    assert "confirm" not in answer["next"]


def test_a_deletion_names_what_would_go(world: World) -> None:
    answer = world.admin.call_successfully(
        "delete", kind="optimization", id=world.draft
    )

    assert answer["done"] is False
    assert answer["changes"]["status"] == ["draft", None]


def test_true_may_be_a_boolean_too(world: World) -> None:
    one = {"optimization_id": world.live, "view": "progress"}

    answer = world.admin.call_successfully("get_results", **one, refresh=True)

    assert "figures" in answer


def test_an_admin_is_told_to_check_ids_and_not_to_ask_an_admin(world: World) -> None:
    event = {"anonymous_id": "ann", "optimization_id": str(uuid4()), "name": "x"}

    told = world.admin.call_expecting_error(
        "send_events", kind="rewards", events=[event]
    )

    assert "check the ids" in told


def test_the_same_idempotency_key_creates_once(world: World) -> None:
    asked = {
        "name": "Once",
        "training_data_config": mcp_worlds.CONFIG,
        "idempotency_key": "once",
    }

    made = [
        world.admin.call_successfully("create_optimization", **asked) for _ in range(2)
    ]

    assert made[0]["optimization"]["id"] == made[1]["optimization"]["id"]


def test_no_answer_holds_a_secret_but_the_one_that_makes_a_key(world: World) -> None:
    made = world.admin.call_successfully(
        "create_api_key", label="shown once", confirm=True
    )
    secret = made["api_key"]["secret"]
    wrong = world.admin.call_expecting_error(
        "connect_warehouse",
        provider="postgres",
        credentials={
            "host": "203.0.113.1",
            "database": "shop",
            "username": "levered",
            "password": "hunter-two",
        },
    )

    seen = everything(world) + wrong

    assert secret.startswith("lev_")
    assert secret not in seen
    assert "hunter-two" not in seen
    assert world.admin.token[-40:] not in seen
