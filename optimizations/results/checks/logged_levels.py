"""Checks of what was logged: variants, contexts, policy versions and times."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import orjson

from levered_site.level_texts import format_level
from metrics import stats
from metrics.stats import ShareCheck
from metrics.stats.checks import NOTED_CONTEXT_SHARE
from models_app.bandit.design.design import Design
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from warehouse.sql.cube.day_notes import BEFORE_LAUNCH, CAME_AFTER_END
from warehouse.sql.cube.statement import Note

MAX_EXAMPLES = 3
NO_CONTEXT = "no context"  # instead of the keys of an empty one


@dataclass(frozen=True, slots=True)
class LoggedValue:
    """A value that is no variant or level, and its users among the commonest of each day.

    `differs_in_case_from` is the variant or level that it would be in another case.
    """

    factor: str | None
    value: str
    users: int
    differs_in_case_from: str | None


@dataclass(frozen=True, slots=True)
class UnknownValueCheck(ShareCheck):
    """A share of users logged with what is not configured, and the commonest values."""

    examples: list[LoggedValue]


@dataclass(frozen=True, slots=True)
class MissingFactor:
    """A context factor that many first exposures lack.

    `differs_in_case_from` is the key seen that it would be in another case.
    """

    factor: str
    missing: int
    first_exposures: int
    differs_in_case_from: str | None


@dataclass(frozen=True, slots=True)
class MissingContextCheck(ShareCheck):
    """The largest share of first exposures without a value of a context factor.

    `factors` are those that at least 5% lack; they fail where nearly all do. `keys_seen`
    are the keys of the commonest contexts that lack a value.
    """

    factors: list[MissingFactor]
    keys_seen: list[str]


@dataclass(frozen=True, slots=True)
class TimeCheck(ShareCheck):
    """A share of exposures by their time, and their numbers by what is special about it."""

    exposures: int
    by_reason: dict[str, int]


def check_logged_levels(
    optimization: Optimization, cube: ObservationCube
) -> Mapping[str, ShareCheck]:
    """Return the checks of variants, contexts, policy versions and times by name."""
    cells = cube.arrays
    users = int(cells.users.sum())
    return {
        "unknown_variant": _check_unknown_variants(optimization, cube, users),
        "unknown_context": _check_unknown_contexts(optimization, cube, users),
        "missing_context": _check_missing_contexts(optimization, cube, users),
        "disabled_variant": stats.check_disabled_variant(
            _count_disabled(optimization, cells), users
        ),
        "unknown_policy_version": stats.check_unknown_version(
            int(
                cells.users[
                    cells.policy_version > optimization.model.policy_version
                ].sum()
            ),
            users,
        ),
        **_check_times(cube),
    }


def _check_unknown_variants(
    optimization: Optimization, cube: ObservationCube, users: int
) -> UnknownValueCheck:
    unknown = int(cube.arrays.users[cube.arrays.variant == 0].sum())
    counts = _sum_notes(cube.notes, "variant")
    keys = _list_variant_keys(optimization) if counts else []
    examples = [
        LoggedValue(None, text, count, _find_other_case(text, keys))
        for (_, text), count in counts.most_common(MAX_EXAMPLES)
    ]
    return _add_examples(stats.check_unknown_variant(unknown, users), examples)


def _list_variant_keys(optimization: Optimization) -> list[str]:
    return list(optimization.variants.values_list("variant_key", flat=True))


def _check_unknown_contexts(
    optimization: Optimization, cube: ObservationCube, users: int
) -> UnknownValueCheck:
    design = optimization.model.design
    unknown = _count_other(design, cube.arrays)
    counts = _sum_notes(cube.notes, "context")
    examples = []
    for (place, text), count in counts.most_common(MAX_EXAMPLES):
        factor = design.contexts[place or 0]
        other_case = _find_other_case(text, factor.levels)
        examples.append(LoggedValue(factor.name, text, count, other_case))
    return _add_examples(stats.check_unknown_context(unknown, users), examples)


def _check_missing_contexts(
    optimization: Optimization, cube: ObservationCube, users: int
) -> MissingContextCheck:
    design, cells = optimization.model.design, cube.arrays
    counts = _sum_notes(cube.notes, "keys")
    seen = [text for (_, text), _ in counts.most_common(MAX_EXAMPLES)]
    keys = [key for text in seen for key in text.split(", ")]
    levels = design.context_levels[cells.context]
    worst = stats.check_missing_context(0, users)
    factors_missing: list[MissingFactor] = []
    for place, factor in enumerate(design.contexts):
        is_missing = levels[:, place] == len(factor.levels) + 1
        missing = int(cells.users[is_missing].sum())
        check = stats.check_missing_context(missing, users)
        if (check.share or 0.0) >= NOTED_CONTEXT_SHARE:
            other_case = _find_other_case(factor.name, keys)
            factors_missing.append(
                MissingFactor(factor.name, missing, users, other_case)
            )
        worst = max(worst, check, key=lambda each: each.share or 0.0)
    return MissingContextCheck(
        worst.ok,
        worst.share,
        worst.limit,
        worst.reason,
        factors_missing,
        [text or NO_CONTEXT for text in seen],
    )


def _count_other(design: Design, cells: CellArrays) -> int:
    """Count the users with a level `other` of some factor."""
    others = np.array([len(factor.levels) for factor in design.contexts], dtype=int)
    is_other = (design.context_levels == others).any(axis=1)
    return int(cells.users[is_other[cells.context]].sum())


def _count_disabled(optimization: Optimization, cells: CellArrays) -> int:
    """Count the users of variants that their regime did not serve."""
    return sum(
        int(
            cells.users[
                (cells.regime == regime.number)
                & (cells.variant > 0)
                & ~np.isin(cells.variant, regime.enabled)
            ].sum()
        )
        for regime in optimization.regimes.all()
    )


def _check_times(cube: ObservationCube) -> dict[str, ShareCheck]:
    """Return the checks of exposures that count by exception, and of those that do not."""
    counts = {text: n for (_, text), n in _sum_notes(cube.notes, "exposures").items()}
    by_exception = {
        name: counts.pop(name)
        for name in (BEFORE_LAUNCH, CAME_AFTER_END)
        if name in counts
    }
    counted = int(cube.arrays.exposures.sum())
    history, uncounted = sum(by_exception.values()), sum(counts.values())
    return {
        "imported_history": _add_times(
            stats.check_imported_history(history, counted), history, by_exception
        ),
        "uncounted_exposures": _add_times(
            stats.check_uncounted_exposures(uncounted, counted + uncounted),
            uncounted,
            counts,
        ),
    }


def _sum_notes(notes: Iterable[Note], kind: str) -> Counter[tuple[int | None, str]]:
    counts: Counter[tuple[int | None, str]] = Counter()
    for note in notes:
        if note.kind == kind:
            counts[note.factor, note.text] += note.count
    return counts


def _find_other_case(text: str, known: Iterable[str]) -> str | None:
    """Return what a text is but for its case, or blanks around it; None for no such."""
    folded = _fold(text)
    return next((value for value in known if _fold(value) == folded), None)


def _fold(text: str) -> object:
    """Return a text without its case; a variant by its levels, as they are compared."""
    try:
        value = orjson.loads(text)
        if not isinstance(value, dict):
            return text.strip().casefold()
        return {
            name.strip().casefold(): format_level(level).strip().casefold()
            for name, level in value.items()
        }
    except (ValueError, TypeError):  # no JSON, or a level that is no scalar
        return text.strip().casefold()


def _add_examples(check: ShareCheck, examples: list[LoggedValue]) -> UnknownValueCheck:
    return UnknownValueCheck(check.ok, check.share, check.limit, check.reason, examples)


def _add_times(
    check: ShareCheck, exposures: int, by_reason: dict[str, int]
) -> TimeCheck:
    return TimeCheck(
        check.ok, check.share, check.limit, check.reason, exposures, by_reason
    )
