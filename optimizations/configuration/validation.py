"""What a configuration must satisfy, as problems with the fields named. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from levered_site.errors import FieldProblem
from optimizations import factors

MAX_VARIANTS = 100
MAX_CONTEXTS = 2000
MAX_CONTEXT_LEVELS = 50
MAX_WINDOW_HOURS = 2160
DEFAULT_WINDOW_HOURS = 24
CONFIG_FIELD = "training_data_config"

Config = Mapping[str, Any]


def find_config_problems(config: Config, model_type: str) -> list[FieldProblem]:
    """List what is wrong with a training_data_config of the right shape.

    Levels are `{"id", "value"}` and attribution is complete already.
    """
    return [
        *_check_design_factors(config["design_factors"]),
        *_check_context_factors(config["context_factors"], model_type),
        *_check_shared_names(config),
        *_check_attribution(config["attribution"]),
    ]


def find_exclusion_problems(
    config: Config, partials: Sequence[Config]
) -> list[FieldProblem]:
    """List what is wrong with excluded_combinations: unknown names, the baseline."""
    problems = [
        problem
        for index, partial in enumerate(partials)
        for problem in _check_exclusion(config["design_factors"], index, partial)
    ]
    if problems:
        return problems
    combinations = factors.list_combinations(config["design_factors"])
    problems = [
        FieldProblem(f"excluded_combinations[{index}]", "covers the baseline")
        for index, partial in enumerate(partials)
        if factors.is_excluded(combinations[0], [partial])
    ]
    if not problems and all(
        factors.is_excluded(one, partials) for one in combinations[1:]
    ):
        problems = [FieldProblem("excluded_combinations", "two variants must remain")]
    return problems


def _check_design_factors(design: Sequence[Config]) -> Iterator[FieldProblem]:
    field = f"{CONFIG_FIELD}.design_factors"
    yield from _check_factors(field, design)
    for index, factor in enumerate(design):
        if len(factor["levels"]) < 2:
            yield FieldProblem(f"{field}[{index}].levels", "needs 2 levels or more")
    count = math.prod(len(factor["levels"]) for factor in design)
    if count > MAX_VARIANTS:
        yield FieldProblem(
            field, f"make {count} variants; at most {MAX_VARIANTS} are possible"
        )


def _check_context_factors(
    contexts: Sequence[Config], model_type: str
) -> Iterator[FieldProblem]:
    field = f"{CONFIG_FIELD}.context_factors"
    if contexts and model_type == "mab":
        yield FieldProblem(field, "a mab takes none; use model_type cmab")
    yield from _check_factors(field, contexts)
    for index, factor in enumerate(contexts):
        if not 1 <= len(factor["levels"]) <= MAX_CONTEXT_LEVELS:
            yield FieldProblem(
                f"{field}[{index}].levels", f"needs 1 to {MAX_CONTEXT_LEVELS} levels"
            )
    count = math.prod(len(factor["levels"]) + 2 for factor in contexts)
    if count > MAX_CONTEXTS:
        yield FieldProblem(
            field,
            f"make {count} combinations with 'other' and 'missing' counted; "
            f"at most {MAX_CONTEXTS} are possible",
        )


def _check_factors(field: str, given: Sequence[Config]) -> Iterator[FieldProblem]:
    names = [factor["name"] for factor in given]
    for index, factor in enumerate(given):
        if factor["name"] in names[:index]:
            yield FieldProblem(f"{field}[{index}].name", "is used twice")
        yield from _check_levels(f"{field}[{index}].levels", factor)


def _check_shared_names(config: Config) -> Iterator[FieldProblem]:
    taken = {factor["name"] for factor in config["design_factors"]}
    for index, factor in enumerate(config["context_factors"]):
        if factor["name"] in taken:
            field = f"{CONFIG_FIELD}.context_factors[{index}].name"
            yield FieldProblem(field, "is the name of a design factor already")


def _check_levels(field: str, factor: Config) -> Iterator[FieldProblem]:
    kind = bool if factor["dtype"] == "bool" else str
    values = [level["value"] for level in factor["levels"]]
    ids = [level["id"] for level in factor["levels"]]
    for index, value in enumerate(values):
        if type(value) is not kind:
            wanted = "true or false" if kind is bool else "a string"
            yield FieldProblem(
                f"{field}[{index}]", f"must be {wanted}, as dtype is {factor['dtype']}"
            )
        elif any(factors.is_same_value(value, other) for other in values[:index]):
            yield FieldProblem(f"{field}[{index}]", "is there twice")
        elif ids[index] in ids[:index]:
            yield FieldProblem(f"{field}[{index}].id", "is used twice")


def _check_attribution(attribution: Config) -> Iterator[FieldProblem]:
    if attribution["horizon_hours"] < attribution["conversion_window_hours"]:
        yield FieldProblem(
            f"{CONFIG_FIELD}.attribution.horizon_hours",
            "must be at least conversion_window_hours",
        )


def _check_exclusion(
    design: Sequence[Config], index: int, partial: Config
) -> Iterator[FieldProblem]:
    known = {f["name"]: [level["value"] for level in f["levels"]] for f in design}
    if not partial:
        yield FieldProblem(f"excluded_combinations[{index}]", "names no factor")
    for name, value in partial.items():
        field = f"excluded_combinations[{index}].{name}"
        if name not in known:
            yield FieldProblem(field, "is no design factor")
        elif not any(factors.is_same_value(value, level) for level in known[name]):
            yield FieldProblem(field, "is no level of that factor")
