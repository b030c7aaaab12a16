"""Receipts by the levels of their context, `other` and `missing` among them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import JSONField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from models_app.bandit.design.design import name_extra_levels
from optimizations.factors import ContextFactor


def list_level_names(context: ContextFactor) -> tuple[str, ...]:
    """Return what a factor's levels are called on pages, the two extra ones last."""
    return (*context.levels, *name_extra_levels(context.levels))


def keep_context(
    receipts: QuerySet[Any],
    levels: Mapping[str, str],
    contexts: Iterable[ContextFactor] = (),
) -> QuerySet[Any]:
    """Return the receipts of a context cell, or of some of its levels.

    A level is a name of `list_level_names`, by factor. Any other text keeps the receipts
    that recorded just this value.
    """
    named = {context.name: context.levels for context in contexts}
    recorded = Cast(NullIf("context", Value("")), JSONField())
    for place, (name, level) in enumerate(levels.items()):
        alias = f"context_{place}"
        receipts = receipts.alias(**{alias: KeyTextTransform(name, recorded)}).filter(
            _build_condition(alias, level, named.get(name))
        )
    return receipts


def _build_condition(alias: str, level: str, known: tuple[str, ...] | None) -> Q:
    other, missing = (None, None) if known is None else name_extra_levels(known)
    if level == missing:
        return Q(**{f"{alias}__isnull": True})
    if level == other:
        return Q(**{f"{alias}__isnull": False}) & ~Q(**{f"{alias}__in": known})
    return Q(**{alias: level})
