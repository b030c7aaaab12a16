"""Columns follow from the types of rows, and reasons find the rows that they are about."""

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from rest_framework import serializers

from levered_site.api.csv_columns import InnerRows
from levered_site.api.csv_sections import QueryRowsSection, RowSection
from levered_site.api.csv_tables import CsvTable


@dataclass(frozen=True, slots=True)
class Inner:
    """An object of a row."""

    share: float | None
    ci: Annotated[tuple[float | None, float | None] | None, "An interval."]


@dataclass(frozen=True, slots=True)
class Outer:
    """A row."""

    name: str
    inner: Inner | None
    tags: list[str]
    pairs: tuple[float, ...]
    levels: dict[str, Any]


class Day(TypedDict):
    """A row of a day."""

    date: str
    by_key: dict[str, Any]


class Arm(TypedDict):
    """Counts."""

    users: int


class RowSerializer(serializers.Serializer[Any]):
    """A row of a serializer."""

    id = serializers.UUIDField()
    ci = serializers.ListField(min_length=2, max_length=2)
    ends = serializers.ListField()


ROW = {
    "name": "a",
    "inner": {"share": 0.5, "ci": [None, 2.5]},
    "tags": [],
    "pairs": [1],
}


def build(section: RowSection, **document: Any) -> CsvTable:
    """Build the table of an answer."""
    return section.build_table(document)


def test_objects_are_flattened_and_intervals_are_two_columns() -> None:
    table = build(RowSection("rows", Outer), rows=[ROW | {"levels": {}}])

    assert table.names == [
        *(
            "name",
            "inner.share",
            "inner.ci_lo",
            "inner.ci_hi",
            "tags",
            "pairs",
            "levels",
        )
    ]
    assert table.rows == [("a", 0.5, None, 2.5, [], [1], {})]


def test_a_null_changes_no_name() -> None:
    section = RowSection("rows", Outer)
    null = build(section, rows=[ROW | {"inner": None, "levels": {}}])

    assert null.names == build(section, rows=[]).names
    assert null.rows == [("a", None, None, None, [], [1], {})]


def test_factors_have_a_column_each() -> None:
    section = RowSection("rows", Outer, levels=frozenset({"levels"}))
    rows = [ROW | {"levels": {"a.b": 1}}, ROW | {"levels": {"c": None, "a.b": 2}}]

    table = build(section, rows=rows)

    assert table.names[-2:] == ["levels.a.b", "levels.c"]
    assert [row[-2:] for row in table.rows] == [(1, None), (2, None)]
    assert section.list_names()[-1] == "levels.*"


def test_a_serializer_tells_its_columns() -> None:
    assert RowSection("rows", RowSerializer).list_names() == [
        *("id", "ci_lo", "ci_hi", "ends")
    ]


def test_an_inner_list_makes_the_rows() -> None:
    section = RowSection("days", Day, inner=InnerRows("by_key", Arm, key="key"))
    days = [
        {"date": "d1", "by_key": {"x": {"users": 1}, "y": {"users": 2}}},
        {"date": "d2", "by_key": {}},
    ]

    table = build(section, days=days)

    assert table.names == ["date", "by_key.key", "by_key.users"]
    assert table.rows == [("d1", "x", 1), ("d1", "y", 2)]


def test_reasons_stand_in_the_rows_that_they_are_about() -> None:
    rows = [ROW | {"levels": {}}, ROW | {"inner": None, "levels": {}}]
    reasons = {
        "rows[0].inner.ci[0]": "open",
        "rows.inner.share": "few users",
        "rows[1].inner.ci": "few users",
        "rows": "1 is left out",
        "others[0].name": "of others",
    }

    table = build(RowSection("rows", Outer), rows=rows, unavailable=reasons)

    assert table.names[-1] == "unavailable"
    assert [row[-1] for row in table.rows] == [
        ["inner.ci_lo: open", "rows: 1 is left out"],
        ["inner.share, inner.ci: few users", "rows: 1 is left out"],
    ]
    assert table.withheld == "1 is left out"


def test_an_answer_of_one_row_does_not_say_its_health_twice() -> None:
    document = {"name": "a", "health": {"status": "ok", "reasons": []}, "as_of": None}

    class Answer(TypedDict):
        health: dict[str, Any]
        as_of: str
        name: str

    table = RowSection("answer", Answer, path="").build_table(document)

    assert table.names == ["name"]
    assert table.readings == {"health": "ok", "health_reasons": [], "as_of": None}
    assert table.write() == (
        b"name,reading.health,reading.health_reasons,reading.as_of\r\na,ok,,\r\n"
    )


def test_rows_of_a_query_have_its_columns_and_a_header_is_no_formula() -> None:
    document = {"columns": ["n", "=1+1"], "rows": [[-1, "=2"], [None, {"a": 1}]]}

    table = QueryRowsSection().build_table(document)

    assert table.write().decode() == 'n,\'=1+1\r\n-1,\'=2\r\n,"{""a"":1}"\r\n'
