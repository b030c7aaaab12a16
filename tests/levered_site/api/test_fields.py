"""Serializer fields: what they accept, and how errors name invalid fields."""

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


class Body(StrictSerializer):
    config = Config(required=False)
    count = fields.StrictIntegerField(required=False)
    share = fields.StrictFloatField(required=False)
    on = fields.StrictBooleanField(required=False)
    key = fields.StrictUUIDField(required=False)
    kind = serializers.ChoiceField(choices=["a", "b"], required=False)
    made = fields.StrictIntegerField(read_only=True)
    flags = fields.BoundedListField(
        child=fields.StrictBooleanField(), max_length=100, required=False
    )
    weights = fields.BoundedDictField(
        child=fields.StrictFloatField(), max_length=100, required=False
    )


def test_an_invalid_choice_lists_the_valid_ones() -> None:
    body = Body(data={"kind": "c"})

    assert not body.is_valid()

    assert body.errors == {"kind": ["must be one of a, b"]}


def _list_invalid_fields(data: object) -> list[str]:
    body = Body(data=data)
    with pytest.raises(serializers.ValidationError) as refused:
        body.is_valid(raise_exception=True)
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
        ("key", "----550e8400e29b41d4a716446655440000"),
    ],
)
def test_a_value_of_another_type_is_refused(field: str, value: object) -> None:
    assert _list_invalid_fields({field: value}) == [field]


def test_valid_values_are_accepted() -> None:
    key = "0b9c1a0e-7a8d-4a57-9a57-6c1de5b7c0aa"
    data: dict[str, Any] = {"count": 3.0, "share": 1, "on": False, "key": key}
    body = Body(data=data)

    body.is_valid(raise_exception=True)

    validated = body.validated_data
    assert (validated["count"], validated["share"], validated["on"]) == (3, 1.0, False)
    assert str(validated["key"]) == key


def test_nested_fields_are_named_by_dotted_paths() -> None:
    config = {
        "factors": [
            {"name": "a", "levels": ["x", "y"]},
            {"name": "toolong", "levels": ["x"], "color": 1},
            {"name": "b", "levels": ["x", 5]},
            7,
        ],
        "extra": 1,
    }

    invalid = _list_invalid_fields({"config": config, "made": 1, "unknown": 2})

    assert sorted(invalid) == [
        "config.extra",
        "config.factors[1].color",
        "config.factors[1].levels",
        "config.factors[1].name",
        "config.factors[2].levels[1]",
        "config.factors[3]",
        "made",
        "unknown",
    ]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "a\0", "\ud800", 5, None, True])
def test_only_nonblank_strings_are_text(text: object) -> None:
    assert _list_invalid_fields(
        {"config": {"factors": [{"name": text, "levels": ["x", "y"]}]}}
    ) == ["config.factors[0].name"]


def test_text_is_not_trimmed() -> None:
    factor = Factor(data={"name": " a ", "levels": ["x", "x "]})

    factor.is_valid(raise_exception=True)

    assert factor.validated_data == {"name": " a ", "levels": ["x", "x "]}


@pytest.mark.parametrize(
    "body",
    [
        {"flags": [True] * 100_000},
        {"flags": ["no"] * 100_000},
        {"weights": dict.fromkeys(map(str, range(100_000)), 1.0)},
        {"weights": dict.fromkeys(map(str, range(100_000)))},
    ],
    ids=["list", "list of invalid items", "object", "object of invalid values"],
)
def test_a_list_that_is_too_long_is_refused_before_its_items_are_validated(
    body: dict[str, Any],
) -> None:
    assert _list_invalid_fields(body) == list(body)


@pytest.mark.parametrize(
    "body",
    [
        {"flags": ["no"] * 100},
        {"weights": dict.fromkeys(map(str, range(100)))},
        dict.fromkeys(map(str, range(100_000))),
    ],
    ids=["items", "values", "unknown fields"],
)
def test_only_the_first_invalid_items_are_named(body: dict[str, Any]) -> None:
    assert len(_list_invalid_fields(body)) == fields.MOST_INVALID_ITEMS


def test_items_are_validated_in_their_order() -> None:
    body = Body(data={"flags": [True, False], "weights": {"b": 1, "a": 2}})

    assert body.is_valid()
    assert body.validated_data["flags"] == [True, False]
    assert list(body.validated_data["weights"].items()) == [("b", 1.0), ("a", 2.0)]
