"""Results: the stored report of the serving version beside sums over the stored cube."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from optimizations.cube import refresh, specification
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Variant
from optimizations.results import (
    health_evidence,
    measured_amounts,
    measured_lift,
    modeled,
    served_model,
    stored,
)
from optimizations.results.context_results import ContextResult
from optimizations.results.health import Health
from optimizations.results.measured_lift import MeasuredLift
from optimizations.results.model_effects import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Interaction,
    Quartiles,
)
from optimizations.results.modeled import ModelNotes, ModelStats, VariantEstimate
from optimizations.results.reasons import Reasons
from optimizations.results.stored import StoredCubes
from optimizations.results.user_counts import NO_USERS, UserCounter, UserCounts
from warehouse import connections
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.preview import render

NOT_REFRESHED = "the warehouse has not been asked yet; ?refresh=true asks it"
NO_MATURE_USER = "no user's horizon has passed yet, so rewards may still come"
DAILY_COUNTS = (
    *("exposures", "conversions", "users", "rewarded_users"),
    *("mature_users", "mature_conversions"),
)
NOT_LIVE = "this optimization has not been live: nothing is observed"


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What was counted of a variant, and what the model says of it."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    exposures: Annotated[int, "Of all users so far."]
    conversions: Annotated[
        int, "Users so far whose reward is worth more than 0, whatever their age."
    ]
    rate: Annotated[
        float | None, "Conversions per exposure of mature users; 0 without exposures."
    ]
    users: Annotated[int, "All users so far, whatever their age."]
    rewarded_users: Annotated[
        int, "Users so far with any counted reward, a negative one included."
    ]
    mature_users: Annotated[int, "Users whose horizon has passed."]
    mature_conversions: Annotated[int, "Conversions of mature users."]
    user_rate: Annotated[
        float | None, "mature_conversions per mature user; 0 without users."
    ]
    mean_reward: Annotated[float | None, "Measured mean reward per mature user."]
    weight: Annotated[float | None, "Share of all traffic that it is served now."]
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """Counts of one day of first touch, by variant_key, as of a variant in all.

    `mature_users` and `mature_conversions` are of users whose horizon has passed: what
    the others do may still come.
    """

    date: date
    variants: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Results:
    """Results of an optimization; every null has its reason under `unavailable`."""

    optimization_id: UUID
    as_of: Annotated[datetime | None, "When the warehouse last counted."]
    health: Health
    stats: ModelStats
    primary_metric_vs_holdout: Annotated[MeasuredLift, {"nullable": True}]
    checks: dict[str, Annotated[Any, {"nullable": True}]]
    variants: list[VariantResult]
    factor_importance: list[FactorImportance] | None
    factor_utilities: list[FactorUtility] | None
    interaction_importance: Quartiles | None
    interactions: list[Interaction] | None
    context_importance: list[ContextImportance] | None
    contexts: list[ContextResult] | None
    time_series: list[DailyCounts]
    model: ModelNotes
    unavailable: Reasons


@dataclass(frozen=True, slots=True)
class FigureStatement:
    """The SQL statement behind figures."""

    figures: str
    dialect: str
    statement: str


def build_results(
    optimization: Optimization,
    cubes: StoredCubes | None = None,
    *,
    refresh: bool = False,
    full: bool = False,
) -> Results:
    """Return the results, empty for a draft.

    With `refresh` the warehouse counts first, see `stored.refresh_counts`, which tells
    what this raises then.
    """
    metric = optimization.reward_metric
    if refresh:
        health_evidence.refresh_results(optimization, full=full)
    cube = (cubes or StoredCubes(optimization)).load_reward_cube()
    served = served_model.load_served_model(optimization)
    model = modeled.build_modeled_results(optimization, served, cube)
    comparison = measured_lift.compare_arms(optimization, metric, cube)
    amounts = measured_amounts.measure_amounts(
        optimization,
        metric,
        cube,
        comparison.tuning,
    )
    checks = health_evidence.build_checks(optimization, cube, model.sanity)
    variants = _build_variant_results(
        optimization,
        cube,
        served_model.compute_traffic_weights(served, cube),
        model.estimates,
    )
    return Results(
        optimization_id=optimization.pk,
        as_of=cube.as_of,
        health=health_evidence.judge_checks(optimization, cube, checks),
        stats=model.stats,
        primary_metric_vs_holdout=measured_lift.build_measured_lift(
            metric, comparison, amounts
        ),
        checks=checks,
        variants=variants,
        factor_importance=model.effects.factor_importance,
        factor_utilities=model.effects.factor_utilities,
        interaction_importance=model.effects.interaction_importance,
        interactions=model.effects.interactions,
        context_importance=model.effects.context_importance,
        contexts=model.effects.contexts,
        time_series=build_time_series(optimization, cube),
        model=model.model,
        unavailable={
            **model.unavailable,
            **measured_lift.explain_nulls(comparison, amounts),
            **_explain_missing_counts(optimization, cube),
            **_explain_missing_rates(variants),
        },
    )


def build_statements(optimization: Optimization) -> list[FigureStatement]:
    """Return the statement that counts the stored days as they were counted.

    It runs as it is in the `dialect` of the warehouse. docs/warehouse.md has the settings
    that the managed store needs before.
    """
    if optimization.went_live_at is None:
        return []
    metric = stored.require_reward_metric(optimization)
    as_of = refresh.find_last_refresh(optimization, metric)
    if as_of is None:
        return []
    days = refresh.list_stored_days(optimization, metric)
    spec = specification.build_cube_spec(optimization, metric, as_of)
    warehouse = connections.load_backend(optimization.organization_id)
    queries = specification.validate_queries(optimization, metric, warehouse)
    # What the server understands decides which text counted.
    text_dialect = warehouse.find_dialect()
    statement = build_statement(replace(spec, days=days), *queries, text_dialect)
    return [
        FigureStatement(
            figures="every measured figure and count",
            dialect=warehouse.dialect,
            statement=render.render_script(
                statement, text_dialect, is_managed=warehouse.is_managed
            ),
        )
    ]


def _explain_missing_counts(
    optimization: Optimization, cube: ObservationCube
) -> Reasons:
    if optimization.went_live_at is None:
        return dict.fromkeys(("as_of", "variants.weight"), NOT_LIVE)
    return {} if cube.as_of else {"as_of": NOT_REFRESHED}


def _build_variant_results(
    optimization: Optimization,
    cube: ObservationCube,
    weights: Mapping[int, float],
    estimates: Mapping[int, VariantEstimate],
) -> list[VariantResult]:
    counter = UserCounter(optimization.reward_metric, cube)
    counts = counter.count(cube.arrays.variant)
    return [
        _build_variant_result(
            variant,
            counts.get((variant.number,), NO_USERS),
            weights.get(variant.number),
            estimates.get(variant.number, VariantEstimate()),
        )
        for variant in optimization.variants.order_by("number").defer("screenshot")
    ]


def _build_variant_result(
    variant: Variant,
    counts: UserCounts,
    weight: float | None,
    estimate: VariantEstimate,
) -> VariantResult:
    conversions = counts.mature_conversions
    return VariantResult(
        number=variant.number,
        variant_key=variant.variant_key,
        variant=variant.levels,
        enabled=variant.enabled and not variant.excluded,
        exposures=counts.exposures,
        conversions=counts.conversions,
        rate=_divide(conversions, counts.mature_exposures, counts.exposures),
        users=counts.users,
        rewarded_users=counts.rewarded_users,
        mature_users=counts.mature_users,
        mature_conversions=conversions,
        user_rate=_divide(conversions, counts.mature_users, counts.users),
        mean_reward=counts.mean_reward,
        weight=weight,
        prob_best=estimate.prob_best,
        expected_reward_mean=estimate.expected_reward_mean,
        expected_reward_lo=estimate.expected_reward_lo,
        expected_reward_hi=estimate.expected_reward_hi,
    )


def _divide(conversions: int, mature: int, total: int) -> float | None:
    """Return the rate of the mature; 0 if there is nothing, None if nothing is mature."""
    if not total:
        return 0.0
    return conversions / mature if mature else None


def _explain_missing_rates(variants: Sequence[VariantResult]) -> Reasons:
    return {
        f"variants.{name}": NO_MATURE_USER
        for name in ("rate", "user_rate", "mean_reward")
        if any(getattr(row, name) is None for row in variants)
    }


def build_time_series(
    optimization: Optimization, cube: ObservationCube
) -> list[DailyCounts]:
    """Return counts by day of first touch and variant_key."""
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    cells = cube.arrays
    counter = UserCounter(optimization.reward_metric, cube)
    counts = counter.count(cells.day, cells.variant)
    days: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for (day, number), day_counts in sorted(counts.items()):
        if number in keys:
            days[day][keys[number]] = {
                name: getattr(day_counts, name) for name in DAILY_COUNTS
            }
    return [
        DailyCounts(date.fromordinal(day), variants) for day, variants in days.items()
    ]
