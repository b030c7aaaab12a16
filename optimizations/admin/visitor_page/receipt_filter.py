"""Which receipts the list shows: a variant, a context, a policy version, an arm."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import QueryDict

from optimizations import factors
from optimizations.admin.context_levels import (
    keep_context,
    list_level_names,
)
from optimizations.admin.decisions import read_levels, read_number
from optimizations.factors import ContextFactor
from optimizations.models import Decision, Optimization

CONTEXT_PREFIX: Final = "context."
ARMS: Final[Mapping[str, str]] = {"optimized": "Optimized", "holdout": "Held out"}
UNREADABLE: Final = (
    "“{text}” is no {what}, so no decision is shown. Choose another, or show all."
)


@dataclass(frozen=True, slots=True)
class ContextChoice:
    """A context factor with what may be chosen of it, and what is chosen."""

    name: str
    levels: tuple[str, ...]
    chosen: str

    @property
    def parameter(self) -> str:
        """The name of its field."""
        return CONTEXT_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class ReceiptFilter:
    """What the address asks for.

    Attributes
    ----------
    levels: by context factor; `other` and `missing` as pages name them.
    problems: what of the address nobody can read; nothing is shown then.

    """

    variant: int | None = None
    version: int | None = None
    arm: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether it leaves out anything."""
        return bool(self.build_query() or self.problems)

    @property
    def filters_count(self) -> int:
        """How many of its fields are set."""
        others = (self.variant is not None, self.version is not None, bool(self.arm))
        return len(self.levels) + sum(others)

    def build_query(self) -> dict[str, str]:
        """Return the parameters of an address with the same filter."""
        query: dict[str, Any] = {
            "variant": self.variant,
            "version": self.version,
            "arm": self.arm or None,
            "context": json.dumps(self.levels, ensure_ascii=False)
            if self.levels
            else None,
        }
        return {name: str(value) for name, value in query.items() if value is not None}


def read_filter(query: QueryDict) -> ReceiptFilter:
    """Return the filter of an address: one context as JSON, or a field for each factor."""
    problems = []
    numbers: dict[str, int | None] = {}
    for name, what in (("variant", "number of a variant"), ("version", "version")):
        text = query.get(name, "")
        numbers[name] = read_number(text)
        if text and numbers[name] is None:
            problems.append(UNREADABLE.format(text=text[:40], what=what))
    levels = {
        name.removeprefix(CONTEXT_PREFIX): level
        for name, level in query.items()
        if name.startswith(CONTEXT_PREFIX) and level
    }
    if text := query.get("context", ""):
        levels |= read_levels(text) or {}
    # Read once more, as a field may hold what no context does.
    readable = read_levels(json.dumps(levels))
    if readable is None or (text and read_levels(text) is None):
        problems.append(UNREADABLE.format(text=text[:40], what="context"))
    arm = query.get("arm", "")
    return ReceiptFilter(
        variant=numbers["variant"],
        version=numbers["version"],
        arm=arm if arm in ARMS else "",
        levels=readable or {},
        problems=tuple(problems),
    )


def apply_filter(
    receipts: QuerySet[Decision],
    wanted: ReceiptFilter,
    contexts: Iterable[ContextFactor],
) -> QuerySet[Decision]:
    """Return the receipts that the filter lets through; `contexts` say what is `other`."""
    if wanted.problems:
        return receipts.none()
    conditions = Q()
    if wanted.variant is not None:
        conditions &= Q(variant_number=wanted.variant)
    if wanted.version is not None:
        conditions &= Q(policy_version=wanted.version)
    if wanted.arm:
        conditions &= Q(in_holdout=wanted.arm == "holdout")
    return keep_context(receipts.filter(conditions), wanted.levels, contexts)


def list_context_choices(
    optimization: Optimization, wanted: ReceiptFilter
) -> list[ContextChoice]:
    """Return the context factors to choose a level of."""
    return [
        _build_choice(context, wanted.levels.get(context.name, ""))
        for context in read_contexts(optimization)
    ]


def read_contexts(optimization: Optimization) -> tuple[ContextFactor, ...]:
    """Return the context factors of an optimization as it is now."""
    return factors.parse_context_factors(optimization.model.training_data_config)


def _build_choice(context: ContextFactor, chosen: str) -> ContextChoice:
    """Return a choice that offers what is chosen, even a value that is `other`."""
    names = list_level_names(context)
    own = () if not chosen or chosen in names else (chosen,)
    return ContextChoice(context.name, names + own, chosen)
