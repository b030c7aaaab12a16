"""What the buttons within a step do to its answers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from django.http import QueryDict

from optimizations.admin.create import factor_rows, posted
from optimizations.admin.create.factor_rows import Factors

# The changed factors, and the id of the element that takes the focus.
Outcome = tuple[Factors, str]


def apply_operation(
    factors: Factors, name: str, argument: str, sent: QueryDict
) -> Outcome:
    """Return the factors after an operation, and what takes the focus.

    An operation that is none changes nothing.
    """
    operation = OPERATIONS.get(name)
    return operation(factors, argument, sent) if operation else (factors, "")


def _add_factor(factors: Factors, section: str, _sent: QueryDict) -> Outcome:
    changed, row = factor_rows.add_factor(factors, section)
    return changed, f"name-{row.key}"


def _remove_factor(factors: Factors, key: str, _sent: QueryDict) -> Outcome:
    is_context = any(row.key == key for row in factors.context)
    focus = "add-context" if is_context else "add-design"
    return factor_rows.remove_factor(factors, key), focus


def _add_level(factors: Factors, key: str, _sent: QueryDict) -> Outcome:
    changed = factor_rows.add_level(factors, key)
    row = next((row for row in changed.list_rows() if row.key == key), None)
    return changed, f"level-{key}-{row.levels[-1].key}" if row else ""


def _remove_level(factors: Factors, argument: str, _sent: QueryDict) -> Outcome:
    key, _, level = argument.partition("-")
    return factor_rows.remove_level(factors, key, level), f"add-level-{key}"


def _put_first(factors: Factors, argument: str, _sent: QueryDict) -> Outcome:
    key, _, level = argument.partition("-")
    return factor_rows.put_first(factors, key, level), f"level-{argument}"


def _add_exclusion(factors: Factors, _argument: str, sent: QueryDict) -> Outcome:
    exclusion = posted.read_new_exclusion(sent, factors)
    exclusions = factor_rows.keep_known(
        (*factors.exclusions, exclusion), factors.design
    )
    return replace(factors, exclusions=exclusions), "add-exclusion"


def _remove_exclusion(factors: Factors, text: str, _sent: QueryDict) -> Outcome:
    kept = tuple(
        exclusion
        for exclusion in factors.exclusions
        if factor_rows.format_exclusion(exclusion) != text
    )
    return replace(factors, exclusions=kept), "add-exclusion"


OPERATIONS: Final[Mapping[str, Callable[[Factors, str, QueryDict], Outcome]]] = {
    "add-factor": _add_factor,
    "remove-factor": _remove_factor,
    "add-level": _add_level,
    "remove-level": _remove_level,
    "put-first": _put_first,
    "add-exclusion": _add_exclusion,
    "remove-exclusion": _remove_exclusion,
}
