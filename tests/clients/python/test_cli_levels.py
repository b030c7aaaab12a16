"""Texts of the command line as levels of factors, and names that are taken."""

from typing import Any

import pytest
from click import BadParameter

from levered.cli.options import read_levels, read_value
from optimizations.models import Optimization
from tests.support.python_client import Terminal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("9,19.5", [9, 19.5]),
        ("-1,0", [-1, 0]),
        ("true,false", [True, False]),
        ("9,none", ["9", "none"]),
        ("1,true", ["1", "true"]),
        ("1.10,1.9", ["1.10", "1.9"]),
        ("007,008", ["007", "008"]),
        ("NaN,Infinity", ["NaN", "Infinity"]),
        ("1e999,1", ["1e999", "1"]),
        (r"Coffee\, today,Tea", ["Coffee, today", "Tea"]),
        ('["a, b", 1]', ["a, b", 1]),
        ("true", [True]),
        ("a=b,c", ["a=b", "c"]),
    ],
)
def test_levels_have_the_type_that_all_of_them_have(
    text: str, levels: list[Any]
) -> None:
    (factor,) = read_levels([f"x={text}"])

    assert factor == {"name": "x", "levels": levels}
    assert list(map(type, factor["levels"])) == list(map(type, levels))


def test_a_factor_that_is_told_twice_is_wrong_usage() -> None:
    with pytest.raises(BadParameter, match="told twice"):
        read_levels(["x=a,b", "x=c"])


def test_a_number_that_json_does_not_have_is_a_text() -> None:
    assert [read_value(text) for text in ("NaN", "1e999", "1")] == ["NaN", "1e999", 1]


def test_levels_that_are_numbers_are_numbers_of_the_service(
    terminal: Terminal, optimization: Optimization
) -> None:
    make = ("optimizations", "create", "Prices", "--draft", "--factor", "price=9,19.5")

    made = terminal.run(*make, "--json").read()

    (factor,) = made["training_data_config"]["design_factors"]
    assert factor["dtype"] == "number"
    assert [level["value"] for level in factor["levels"]] == [9, 19.5]


def test_a_name_that_is_taken_is_warned_of(
    terminal: Terminal, optimization: Optimization
) -> None:
    creations = {
        "optimization": (
            "optimizations",
            "create",
            "Page",
            "--draft",
            "--factor=x=a,b",
        ),
        "metric": ("metrics", "create", "Page", "--event", "page"),
        "API key": ("api-keys", "create", "Page"),
    }

    for kind, create in creations.items():
        first, second = terminal.run(*create), terminal.run(*create)
        assert (first.code, first.err, second.code) == (0, "", 0), first.err
        assert f"warning: another {kind} is called Page, too" in second.err
