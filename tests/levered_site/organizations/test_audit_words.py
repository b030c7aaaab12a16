"""The audit log in words: each action, each actor, and each change field by field."""

import re
from pathlib import Path
from typing import Any

import pytest

from levered_site.organizations import audit_changes, audit_words
from levered_site.organizations.models import AuditEntry

ROOT = Path(__file__).parents[3]
APPS = ("levered_site", "optimizations", "models_app", "metrics", "warehouse")
RECORDING = re.compile(r"audit\.record\(|AuditEntry\.objects\.create\(")
CODE = re.compile(
    r'"((?:optimization|variant|candidate|note|share_link|user|model|metric|assignment_source'
    r'|warehouse|api_key|organization|staff_membership|staff)\.[a-z_]+)"'
)


def list_changes(
    before: dict[str, Any] | None, after: dict[str, Any], **names: str
) -> list[str]:
    entry = AuditEntry(action="optimization.change", before=before, changes=after)
    return [str(change) for change in audit_changes.list_changes(entry, names)]


def test_each_action_that_the_code_records_has_words() -> None:
    modules = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    recording = [
        text for text in map(Path.read_text, modules) if RECORDING.search(text)
    ]
    codes = {code for text in recording for code in CODE.findall(text)}

    assert len(codes) > 30
    assert codes <= audit_words.ACTION_WORDS.keys()


def test_an_unknown_action_is_said_as_far_as_it_tells() -> None:
    assert audit_words.describe_action("web_hook.send_again") == "Web hook send again"
    assert str(AuditEntry(action="note.create", target_name="Shop")) == (
        "Note written: Shop"
    )


@pytest.mark.parametrize(
    ("actor", "words"),
    [
        ("user:user_alice", "Member user_alice"),
        ("user:user_local", "Local token"),
        ("staff:ann", "ann (staff)"),
        ("key:123456789", "API key “backend”"),
        ("key:987654321", "API key 98765432"),
        ("system:clock", "The clock"),
        ("public:192.0.2.0/24", "Somebody at 192.0.2.0/24"),
    ],
)
def test_an_actor_is_named(actor: str, words: str) -> None:
    labels = {"123456789": "backend"}

    assert audit_words.describe_actor_text(actor, labels) == words


def test_a_change_is_said_with_its_unit_and_without_what_stayed() -> None:
    before = {"holdout_percentage": 20.0, "public_policy": False, "name": "Shop"}
    after = {"holdout_percentage": 10.0, "public_policy": True, "name": "Shop"}

    assert list_changes(before, after) == [
        "Holdout: 20 % → 10 %",
        "Public policy: no → yes",
    ]


def test_a_list_says_what_came_and_what_went() -> None:
    known = {"m1": "Signups", "m2": "Refunds", "m3": "Bounces"}

    changes = list_changes(
        {"guardrail_metric_ids": ["m1", "m2"]},
        {"guardrail_metric_ids": ["m2", "m3"]},
        **known,
    )

    assert changes == ["Guardrail metrics: added Bounces; removed Signups"]
    assert list_changes(
        {"excluded_combinations": []},
        {"excluded_combinations": [{"headline": "Bold", "color": "Gray"}]},
    ) == ["Excluded combinations: nothing → headline Bold and color Gray"]


def test_a_design_is_compared_level_by_level() -> None:
    def make(*levels: str) -> dict[str, Any]:
        factor = {"name": "headline", "levels": [{"id": x, "value": x} for x in levels]}
        return {
            "training_data_config": {"design_factors": [factor], "horizon_hours": 9}
        }

    assert list_changes(make("Plain", "Bold"), make("Plain", "Loud")) == [
        "Design factors · headline · levels: added Loud; removed Bold"
    ]


def test_a_query_is_compared_line_by_line() -> None:
    before = {"sql": "SELECT a\nFROM t\nWHERE x\nLIMIT 5"}
    after = {"sql": "SELECT b\nFROM t\nWHERE x\nLIMIT 5"}

    assert list_changes(before, after) == ["SQL:\n- SELECT a\n+ SELECT b\n  FROM t"]


def test_what_is_gone_and_what_nobody_recorded_are_said() -> None:
    assert list_changes({"text": "Sale"}, {}) == ["Text: Sale → nothing"]
    assert list_changes(None, {"status": ["draft", "live"]}) == ["Status: draft → live"]
    assert list_changes({}, {"variant": '{"color":"Gray"}', "enabled": False}) == [
        "Variant · color: Gray",
        "Enabled: no",
    ]
