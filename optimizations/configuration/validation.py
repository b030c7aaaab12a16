"""Validate configurations: find problems and the fields they are in. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from levered_site.errors import FieldProblem, InvalidParametersError
from levered_site.near_names import suggest_name
from optimizations import factors

MAX_VARIANTS = 100
MAX_CONTEXTS = 2000
MAX_CONTEXT_LEVELS = 50

CONFIG_FIELD = "training_data_config"

# What the levels of each dtype are, and how a problem names them.
LEVEL_TYPES: Final[Mapping[str, tuple[frozenset[type], str]]] = {
    "str": (frozenset({str}), "a string"),
    "bool": (frozenset({bool}), "true or false"),
    "number": (frozenset({int, float}), "a number"),
}

Config = Mapping[str, Any]


def raise_problems(problems: Sequence[FieldProblem]) -> None:
    """Raise InvalidParametersError with all problems, if there are any."""
    if problems:
        first = problems[0]
        raise InvalidParametersError(f"{first.field}: {first.message}", problems)


def find_dtype(values: Sequence[Any]) -> str:
    """Return the dtype that all levels have; `str` where they differ."""
    types = set(map(type, values))
    return next(
        (name for name, (each, _) in LEVEL_TYPES.items() if types <= each), "str"
    )


def find_config_problems(config: Config, model_type: str) -> list[FieldProblem]:
    """Return the problems of a training_data_config that the serializer validated.

    Levels are `{"id", "value"}`, and attribution is complete.
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
    """Return the problems of excluded_combinations.

    An exclusion must name known factors and levels and must not cover the baseline.
    Levels are compared as text, as contexts are.
    All exclusions together must leave two variants.
    """
    problems = [
        problem
        for index, partial in enumerate(partials)
        for problem in _check_exclusion(config["design_factors"], index, partial)
    ]
    if problems:
        return problems
    combinations = factors.list_combinations(config["design_factors"])
    problems = [
        FieldProblem(
            f"excluded_combinations[{index}]", "must not cover the baseline (variant 1)"
        )
        for index, partial in enumerate(partials)
        if factors.is_excluded(combinations[0], [partial])
    ]
    if not problems and all(
        factors.is_excluded(combination, partials) for combination in combinations[1:]
    ):
        message = "must leave at least 2 variants"
        problems = [FieldProblem("excluded_combinations", message)]
    return problems


def _check_design_factors(design_factors: Sequence[Config]) -> Iterator[FieldProblem]:
    field = f"{CONFIG_FIELD}.design_factors"
    yield from _check_factors(field, design_factors)
    for index, factor in enumerate(design_factors):
        if len(factor["levels"]) < 2:
            yield FieldProblem(
                f"{field}[{index}].levels", "must have at least 2 levels"
            )
    count = math.prod(len(factor["levels"]) for factor in design_factors)
    if count > MAX_VARIANTS:
        yield FieldProblem(
            field, f"must make at most {MAX_VARIANTS} variants; these make {count}"
        )


def _check_context_factors(
    context_factors: Sequence[Config], model_type: str
) -> Iterator[FieldProblem]:
    field = f"{CONFIG_FIELD}.context_factors"
    if context_factors and model_type == "mab":
        yield FieldProblem(
            field, "must be empty for model_type mab; use model_type cmab"
        )
    yield from _check_factors(field, context_factors)
    for index, factor in enumerate(context_factors):
        if not 1 <= len(factor["levels"]) <= MAX_CONTEXT_LEVELS:
            yield FieldProblem(
                f"{field}[{index}].levels",
                f"must have 1 to {MAX_CONTEXT_LEVELS} levels",
            )
    count = math.prod(len(factor["levels"]) + 2 for factor in context_factors)
    if count > MAX_CONTEXTS:
        yield FieldProblem(
            field,
            f"must make at most {MAX_CONTEXTS} combinations; these make {count}, "
            "'other' and 'missing' included",
        )


def _check_factors(
    field: str, factor_configs: Sequence[Config]
) -> Iterator[FieldProblem]:
    names = [factor["name"] for factor in factor_configs]
    for index, factor in enumerate(factor_configs):
        if factor["name"] in names[:index]:
            yield FieldProblem(f"{field}[{index}].name", "is used twice")
        yield from _check_levels(f"{field}[{index}].levels", factor)


def _check_shared_names(config: Config) -> Iterator[FieldProblem]:
    design_names = {factor["name"] for factor in config["design_factors"]}
    for index, factor in enumerate(config["context_factors"]):
        if factor["name"] in design_names:
            field = f"{CONFIG_FIELD}.context_factors[{index}].name"
            yield FieldProblem(field, "is already the name of a design factor")


def _check_levels(field: str, factor: Config) -> Iterator[FieldProblem]:
    types, expected = LEVEL_TYPES[factor["dtype"]]
    values = [level["value"] for level in factor["levels"]]
    ids = [level["id"] for level in factor["levels"]]
    for index, value in enumerate(values):
        if type(value) not in types:
            yield FieldProblem(
                f"{field}[{index}]",
                f"must be {expected}, as dtype is {factor['dtype']}",
            )
        elif factors.find_level(value, values[:index]) is not None:
            yield FieldProblem(f"{field}[{index}]", "is used twice")
        elif ids[index] in ids[:index]:
            yield FieldProblem(f"{field}[{index}].id", "is used twice")


def _check_attribution(attribution: Config) -> Iterator[FieldProblem]:
    if attribution["horizon_hours"] < attribution["conversion_window_hours"]:
        yield FieldProblem(
            f"{CONFIG_FIELD}.attribution.horizon_hours",
            "must be at least conversion_window_hours",
        )


def _check_exclusion(
    design_factors: Sequence[Config], index: int, partial: Config
) -> Iterator[FieldProblem]:
    levels = {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in design_factors
    }
    if not partial:
        yield FieldProblem(
            f"excluded_combinations[{index}]", "must name at least one factor"
        )
    for name, value in partial.items():
        field = f"excluded_combinations[{index}].{name}"
        if name not in levels:
            guess = suggest_name(name, levels)
            yield FieldProblem(field, f"is not a design factor{guess}")
        elif factors.find_level(value, levels[name]) is None:
            guess = factors.suggest_level(value, levels[name])
            yield FieldProblem(field, f"must be one of the factor's levels{guess}")
