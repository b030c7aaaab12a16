"""The body of `POST /optimizations` that the answers stand for, and where each part is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from metrics.models import Metric
from optimizations.admin.create import traffic_fields
from optimizations.admin.create.answers import NO_METRIC, Answers, Goal, Step
from optimizations.admin.create.factor_rows import (
    Exclusion,
    FactorRow,
    Factors,
    LevelRow,
    format_exclusion,
)
from optimizations.configuration.validation import CONFIG_FIELD

UNNAMED_REWARD: Final = "reward"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem is shown: a step, the id of an element, and what it is about."""

    step: Step
    field: str
    subject: str


@dataclass(frozen=True, slots=True)
class Body:
    """A body of the API, and the place of each of its parts by dotted path."""

    fields: dict[str, Any]
    places: Mapping[str, Place]

    def find_place(self, path: str) -> Place | None:
        """Return the place of the innermost known part that a path lies in."""
        inner = [
            known
            for known in self.places
            if path == known or path.startswith((f"{known}.", f"{known}["))
        ]
        return self.places[max(inner, key=len)] if inner else None


def build_body(answers: Answers, metric: Metric | None) -> Body:
    """Return the body of the answers; empty answers are left to the API's defaults."""
    fields: dict[str, Any] = {}
    places: dict[str, Place] = {}
    _add_goal(fields, places, answers.goal, metric)
    _add_factors(fields, places, answers.factors)
    _add_traffic(fields, places, answers)
    return Body(fields, places)


def _add_goal(
    fields: dict[str, Any],
    places: dict[str, Place],
    goal: Goal,
    metric: Metric | None,
) -> None:
    fields["name"] = goal.name
    if goal.metric not in {"", NO_METRIC}:
        fields["reward_metric_id"] = goal.metric
    if goal.guardrails:
        fields["guardrail_metric_ids"] = list(goal.guardrails)
    fields[CONFIG_FIELD] = {
        "reward": {
            "name": goal.reward_name or (metric.name if metric else UNNAMED_REWARD),
            "type": metric.reward_type if metric else goal.reward_type,
        }
    }
    places["name"] = Place("goal", "name", "The name")
    places["reward_metric_id"] = Place("goal", "metric", "The metric")
    places["guardrail_metric_ids"] = Place("goal", "guardrails", "A guardrail")
    reward = f"{CONFIG_FIELD}.reward"
    places[f"{reward}.name"] = Place("goal", "reward_name", "The reward's name")
    places[f"{reward}.type"] = Place("goal", "reward_type", "The kind of reward")


def _add_factors(
    fields: dict[str, Any], places: dict[str, Place], factors: Factors
) -> None:
    config = fields[CONFIG_FIELD]
    for section in ("design", "context"):
        rows = factors.list_filled(section)
        name = f"{section}_factors"
        config[name] = [
            _build_factor(places, f"{CONFIG_FIELD}.{name}[{index}]", row)
            for index, row in enumerate(rows)
        ]
    design = factors.list_filled("design")
    fields["model_type"] = factors.model_type
    fields["excluded_combinations"] = []
    for exclusion in factors.exclusions:
        partial = _build_exclusion(design, exclusion)
        if not partial:
            continue
        path = f"excluded_combinations[{len(fields['excluded_combinations'])}]"
        text = ", ".join(f"{name}: {value}" for name, value in partial.items())
        places[path] = Place(
            "factors",
            f"exclusion-{format_exclusion(exclusion)}",
            f"The exclusion “{text}”",
        )
        fields["excluded_combinations"].append(partial)
    places[f"{CONFIG_FIELD}.design_factors"] = Place(
        "factors", "design", "The design factors"
    )
    places[f"{CONFIG_FIELD}.context_factors"] = Place(
        "factors", "context", "The context factors"
    )
    places["excluded_combinations"] = Place("factors", "variants", "Exclusions")
    places["model_type"] = Place("factors", "model_type", "The model")


def _build_factor(
    places: dict[str, Place], path: str, row: FactorRow
) -> dict[str, Any]:
    title = f"“{row.name}”" if row.name else "a factor without a name"
    places[path] = Place("factors", f"factor-{row.key}", f"Factor {title}")
    places[f"{path}.name"] = Place(
        "factors", f"name-{row.key}", f"The name “{row.name}”"
    )
    places[f"{path}.dtype"] = Place("factors", f"dtype-{row.key}", "The kind of levels")
    places[f"{path}.levels"] = Place("factors", f"levels-{row.key}", f"Factor {title}")
    levels = row.list_filled()
    for index, level in enumerate(levels):
        places[f"{path}.levels[{index}]"] = Place(
            "factors", f"level-{row.key}-{level.key}", f"The level “{level.text}”"
        )
    return {
        "name": row.name,
        "dtype": row.dtype,
        "levels": [read_level(row, level) for level in levels],
    }


def read_level(row: FactorRow, level: LevelRow) -> Any:
    """Return a level as JSON: a text, a number, or true or false.

    What does not fit the kind of the factor stays a text, which the API names.
    """
    if row.dtype == "bool":
        return {"true": True, "false": False}.get(level.text.lower(), level.text)
    if row.dtype == "number":
        return traffic_fields.read_number(level.text)
    return level.text


def _build_exclusion(
    design: Sequence[FactorRow], exclusion: Exclusion
) -> dict[str, Any]:
    """Return a partial map of factor to level; empty if a part of it is gone."""
    levels = {
        (row.key, level.key): (row.name, read_level(row, level))
        for row in design
        for level in row.list_filled()
    }
    if not all(cell in levels for cell in exclusion):
        return {}
    return dict(levels[cell] for cell in exclusion)


def _add_traffic(
    fields: dict[str, Any], places: dict[str, Place], answers: Answers
) -> None:
    config = fields[CONFIG_FIELD]
    for field in traffic_fields.FIELDS:
        text = answers.traffic.values.get(field.name, "")
        path = traffic_fields.get_path(field)
        places[path] = Place("traffic", field.name, field.label)
        if not text:
            continue
        value = traffic_fields.read_value(field, text)
        if field.path:
            name = field.path.rpartition(".")[2]
            config.setdefault("attribution", {})[name] = value
        else:
            fields[field.name] = value
