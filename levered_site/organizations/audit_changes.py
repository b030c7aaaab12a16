"""What an audit entry changed, field by field, as people read it: no JSON."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from levered_site.level_texts import format_level
from levered_site.organizations import audit_log
from levered_site.organizations.models import AuditEntry

NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
NOTHING: Final = "nothing"
MAX_TEXT: Final = 240
MAX_LISTED: Final = 12  # of a list; the others are counted
MAX_LINES: Final = 60  # of a text of several lines
CONFIG: Final = "training_data_config"
OWN_ID: Final = ("id",)  # of a note: it tells people nothing
FIELD_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sql": "SQL",
        "reward_metric_id": "Reward metric",
        "guardrail_metric_ids": "Guardrail metrics",
        "assignment_source_id": "Assignment source",
        "holdout_percentage": "Holdout",
        "retrain_every_minutes": "Retraining every",
        "allowed_origins": "Allowed origins",
        "number": "Variant number",
        "person": "Pseudonym of the person",
        "bytes": "Size of the picture",
        "data_kept": "Data kept",
        "is_known_user": "The user exists",
    }
)
UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "holdout_percentage": " %",
        "retrain_every_minutes": " minutes",
        "conversion_window_hours": " hours",
        "horizon_hours": " hours",
        "look_back_days": " days",
        "bytes": " bytes",
    }
)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a text: `sign` is `+`, `-`, or a space where it stayed."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field before and after, in words; `before` is empty where there was nothing.

    A text of several lines has `lines` instead of both.
    """

    field: str
    before: str
    after: str
    lines: Sequence[DiffLine] = ()

    def __str__(self) -> str:
        if self.lines:
            lines = "\n".join(f"{line.sign} {line.text}" for line in self.lines)
            return f"{self.field}:\n{lines}"
        if self.before:
            return f"{self.field}: {self.before} → {self.after}"
        return f"{self.field}: {self.after}"


Leaves = dict[tuple[str, ...], Any]


def list_changes(
    entry: AuditEntry, names: Mapping[str, str] = NO_NAMES
) -> list[FieldChange]:
    """Return what an entry changed; `names` are those of objects by their ids."""
    change = audit_log.read_change(entry)
    before = _flatten_values(change.before or {})
    after = _flatten_values(change.after)
    paths = list(dict.fromkeys([*before, *after]))
    return [
        _build_change(path, before, after, names)
        for path in paths
        if path != OWN_ID and before.get(path, paths) != after.get(path, paths)
    ]


def list_ids(entry: AuditEntry) -> set[str]:
    """Return the ids of objects that an entry names, as metrics."""
    change = audit_log.read_change(entry)
    fields = [*(change.before or {}).items(), *change.after.items()]
    return {
        text
        for name, value in fields
        if name.endswith(("_id", "_ids"))
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    }


def _flatten_values(values: Mapping[str, Any]) -> Leaves:
    return {
        path: leaf
        for name, value in values.items()
        for path, leaf in _iterate_leaves((name,), value)
    }


def _iterate_leaves(
    path: tuple[str, ...], value: Any
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the parts of a value that have no parts of their own, by their paths."""
    if isinstance(value, str) and path[-1] == "variant" and value.startswith("{"):
        value = _read_levels(value)
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _iterate_leaves((*path, str(name)), part)
    elif isinstance(value, list) and value and all(map(_has_name, value)):
        for part in value:
            rest = {name: each for name, each in part.items() if name != "name"}
            yield from _iterate_leaves((*path, str(part["name"])), rest)
    else:
        yield path, value


def _read_levels(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _has_name(value: object) -> bool:
    return isinstance(value, dict) and "name" in value


def _build_change(
    path: tuple[str, ...], before: Leaves, after: Leaves, names: Mapping[str, str]
) -> FieldChange:
    field = _describe_path(path)
    old, new = before.get(path), after.get(path)
    if _has_lines(old) or _has_lines(new):
        return FieldChange(field, "", "", _compare_lines(old, new))
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return FieldChange(field, "", _compare_lists(old, new, names))
    old_text = _describe_value(path[-1], old, names) if path in before else ""
    new_text = _describe_value(path[-1], new, names) if path in after else NOTHING
    return FieldChange(field, old_text, new_text)


def _describe_path(path: tuple[str, ...]) -> str:
    shown = path[1:] if path[0] == CONFIG and len(path) > 1 else path
    first, *rest = shown
    known = FIELD_WORDS.get(first)
    words = [known or first.replace("_", " ").capitalize()]
    # Names that customers gave are kept as they are.
    return " · ".join([*words, *(name.replace("_", " ") for name in rest)])


def _describe_value(name: str, value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return _join_values(value, names) or NOTHING
    return _describe_single(value, names) + (
        UNITS.get(name, "") if isinstance(value, int | float) else ""
    )


def _describe_single(value: Any, names: Mapping[str, str]) -> str:
    """Return one value, or the partial combination of levels that a list holds."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not value and not isinstance(value, int | float):
        return NOTHING
    if isinstance(value, dict):
        return _describe_parts(value, names)
    if isinstance(value, list):
        return _join_values(value, names)
    text = names.get(value, value) if isinstance(value, str) else format_level(value)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _describe_parts(value: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if "value" in value and value.keys() <= {"id", "value"}:  # a level of a factor
        return _describe_single(value["value"], names)
    return " and ".join(
        f"{name} {_describe_single(part, names)}" for name, part in value.items()
    )


def _join_values(values: Sequence[Any], names: Mapping[str, str]) -> str:
    shown = [_describe_single(value, names) for value in values[:MAX_LISTED]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _compare_lists(old: list[Any], new: list[Any], names: Mapping[str, str]) -> str:
    added = [value for value in new if value not in old]
    removed = [value for value in old if value not in new]
    parts = [
        f"{word} {_join_values(values, names)}"
        for word, values in (("added", added), ("removed", removed))
        if values
    ]
    return "; ".join(parts) or f"another order: {_join_values(new, names)}"


def _has_lines(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _compare_lines(old: object, new: object) -> list[DiffLine]:
    """Return the lines that differ, each with one line around it."""
    before, after = (
        value.splitlines() if isinstance(value, str) else [] for value in (old, new)
    )
    compared = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
    lines = [
        DiffLine(" ", "…") if line.startswith("@@") else DiffLine(line[:1], line[1:])
        for line in compared
    ]
    lines = lines[1:] if lines and lines[0].text == "…" else lines
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[:MAX_LINES], DiffLine(" ", f"… {len(lines) - MAX_LINES} more lines")]
