"""Fields and shapes: what they take, and how they name what they refuse."""

from typing import Any

import pytest
from rest_framework import serializers

from levered_site.api import exceptions, fields
from levered_site.api.serializers import StrictSerializer


class Factor(StrictSerializer):
    name = fields.StrictCharField(max_length=5)
    levels = serializers.ListField(child=fields.StrictCharField(), min_length=2)


class Config(StrictSerializer):
    factors = Factor(many=True)


class Shape(StrictSerializer):
    config = Config(required=False)
    count = fields.StrictIntegerField(required=False)
    share = fields.StrictFloatField(required=False)
    on = fields.StrictBooleanField(required=False)
    key = fields.StrictUUIDField(required=False)
    when = fields.StrictDateTimeField(required=False)
    kind = serializers.ChoiceField(choices=["a", "b"], required=False)
    made = fields.StrictIntegerField(read_only=True)


def test_a_choice_that_is_none_says_which_there_are() -> None:
    shape = Shape(data={"kind": "c"})

    assert not shape.is_valid()

    assert shape.errors == {"kind": ["must be one of a, b"]}


def _named(data: object) -> list[str]:
    shape = Shape(data=data)
    with pytest.raises(serializers.ValidationError) as refused:
        shape.is_valid(raise_exception=True)
    return [
        problem.field
        for problem in exceptions.build_validation_error(refused.value).details
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", True),
        ("count", "1"),
        ("count", 1.5),
        ("count", 2**53 + 1),
        ("count", 1e300),
        ("count", None),
        ("count", [1]),
        ("share", False),
        ("share", "0.5"),
        ("share", {}),
        ("on", 1),
        ("on", "true"),
        ("on", None),
        ("key", 5),
        ("key", -1),
        ("key", "x"),
        ("key", "00000000000000000000000000000000"),
        ("when", "2026-03-28"),
        ("when", "2026-03-28T14:22:00"),
        ("when", "2026-13-28T14:22:00Z"),
        ("when", 1774707720),
        ("when", ""),
    ],
)
def test_what_only_looks_like_it_is_refused(field: str, value: object) -> None:
    assert _named({field: value}) == [field]


def test_what_is_meant_is_taken() -> None:
    key = "0b9c1a0e-7a8d-4a57-9a57-6c1de5b7c0aa"
    data: dict[str, Any] = {"count": 3.0, "share": 1, "on": False, "key": key}
    shape = Shape(data=data | {"when": "2026-03-28T14:22:00+02:00"})

    shape.is_valid(raise_exception=True)

    taken = shape.validated_data
    assert (taken["count"], taken["share"], taken["on"]) == (3, 1.0, False)
    assert str(taken["key"]) == key
    assert taken["when"].isoformat() == "2026-03-28T14:22:00+02:00"


def test_nested_fields_are_named_by_dotted_paths() -> None:
    config = {
        "factors": [
            {"name": "a", "levels": ["x", "y"]},
            {"name": "toolong", "levels": ["x"], "colour": 1},
            {"name": "b", "levels": ["x", 5]},
            7,
        ],
        "extra": 1,
    }

    named = _named({"config": config, "made": 1, "unheard": 2})

    assert sorted(named) == [
        "config.extra",
        "config.factors[1].colour",
        "config.factors[1].levels",
        "config.factors[1].name",
        "config.factors[2].levels[1]",
        "config.factors[3]",
        "made",
        "unheard",
    ]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "a\0", "\ud800", 5, None, True])
def test_a_text_is_text(text: object) -> None:
    assert _named({"config": {"factors": [{"name": text, "levels": ["x", "y"]}]}}) == [
        "config.factors[0].name"
    ]


def test_a_text_is_kept_as_sent() -> None:
    factor = Factor(data={"name": " a ", "levels": ["x", "x "]})

    factor.is_valid(raise_exception=True)

    assert factor.validated_data == {"name": " a ", "levels": ["x", "x "]}
