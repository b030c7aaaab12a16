"""Read the answers of a step from a form that was sent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.http import QueryDict

from optimizations.admin.create import factor_rows
from optimizations.admin.create.answers import (
    Answers,
    Goal,
    Step,
    Traffic,
    change_goal,
)
from optimizations.admin.create.factor_rows import FactorRow, Factors, LevelRow
from optimizations.admin.create.traffic_fields import FIELD_NAMES
from optimizations.configuration import validation

KEY: Final = re.compile(r"[1-9]\d{0,5}")
SEARCHED: Final = ("organization", "metric", "guardrails")
ANY_LEVEL: Final = (
    ""  # what the builder of an exclusion sends for a factor it leaves open
)


def read_step(step: Step, sent: QueryDict, answers: Answers) -> Answers:
    """Return the answers with those of one step as they were sent."""
    if step == "goal":
        return change_goal(answers, _read_goal(sent))
    if step == "factors":
        return replace(answers, factors=_read_factors(sent))
    if step == "traffic":
        values = {name: _read_text(sent, name) for name in FIELD_NAMES if name in sent}
        return replace(answers, traffic=Traffic(values))
    return answers


def _read_goal(sent: QueryDict) -> Goal:
    return Goal(
        name=_read_text(sent, "name"),
        organization=_read_text(sent, "organization"),
        metric=_read_text(sent, "metric"),
        reward_name=_read_text(sent, "reward_name"),
        reward_type=_read_text(sent, "reward_type") or "bool",
        guardrails=tuple(dict.fromkeys(map(_clean, sent.getlist("guardrails")))),
        searches={name: _read_text(sent, f"search-{name}") for name in SEARCHED},
    )


def _read_factors(sent: QueryDict) -> Factors:
    design = tuple(_read_rows(sent, "design"))
    exclusions = map(factor_rows.parse_exclusion, sent.getlist("exclusion"))
    return Factors(
        design=design or (FactorRow("1"),),
        context=tuple(_read_rows(sent, "context")),
        exclusions=factor_rows.keep_known(filter(None, exclusions), design),
        model_type=_read_text(sent, "model_type") or "cmab",
    )


def _read_rows(sent: QueryDict, section: str) -> Iterator[FactorRow]:
    for key in dict.fromkeys(sent.getlist(section)):
        if not KEY.fullmatch(key):
            continue
        prefix = f"level-{key}-"
        dtype = _read_text(sent, f"dtype-{key}")
        yield FactorRow(
            key,
            name=_read_text(sent, f"name-{key}"),
            dtype=dtype if dtype in validation.LEVEL_TYPES else "str",
            levels=tuple(
                LevelRow(name.removeprefix(prefix), _read_text(sent, name))
                for name in sent
                if name.startswith(prefix) and KEY.fullmatch(name.removeprefix(prefix))
            ),
        )


def read_new_exclusion(sent: QueryDict, factors: Factors) -> factor_rows.Exclusion:
    """Return the combination that was put together from one choice for each factor."""
    chosen = (
        (row.key, _read_text(sent, f"combine-{row.key}")) for row in factors.design
    )
    return tuple((key, level) for key, level in chosen if level != ANY_LEVEL)


def _read_text(sent: QueryDict, name: str) -> str:
    return _clean(sent.get(name, ""))


def _clean(text: str) -> str:
    """Return a text without spaces around it, and without NUL, which no field takes."""
    return text.replace("\0", "").replace("\r\n", "\n").strip()
