"""Results: the stored report of the serving version beside sums over the stored cube."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from models_app import versions
from models_app.models import PolicyVersion
from optimizations.cube import aggregates, refresh, specification
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Variant
from optimizations.results import (
    count_notes,
    health_evidence,
    measured_lift,
    modeled,
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
from warehouse import connections
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.preview import render

NOT_REFRESHED = "the warehouse has not been asked yet; ?refresh=true asks it"
NOT_LIVE = "this optimization has not been live: nothing is observed"


@dataclass(frozen=True, slots=True)
class VariantResult:
    """What was counted of a variant, and what the model says of it."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    exposures: int
    conversions: int
    rate: Annotated[float, "Conversions per exposure."]
    users: int
    user_rate: Annotated[float, "Conversions per user."]
    weight: Annotated[float | None, "Share of all traffic under the current policy."]
    prob_best: float | None
    expected_reward_mean: float | None
    expected_reward_lo: float | None
    expected_reward_hi: float | None


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """Exposures and conversions of one day of first touch, by variant_key."""

    date: date
    variants: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Results:
    """Results of an optimization; every null has its reason under `unavailable`."""

    optimization_id: UUID
    as_of: Annotated[datetime | None, "When the warehouse last counted."]
    health: Health
    notes: Annotated[list[str], "How the counts came about, where that matters."]
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
    version = versions.find_serving_version(optimization.model)
    model = modeled.build_modeled_results(optimization, version, cube)
    comparison = measured_lift.compare_arms(optimization, metric, cube)
    checks = health_evidence.build_checks(optimization, cube, model.sanity)
    return Results(
        optimization_id=optimization.pk,
        as_of=cube.as_of,
        health=health_evidence.judge_checks(optimization, cube, checks),
        notes=count_notes.list_notes(cube),
        stats=model.stats,
        primary_metric_vs_holdout=measured_lift.build_measured_lift(metric, comparison),
        checks=checks,
        variants=_build_variant_results(optimization, version, cube),
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
            **measured_lift.explain_nulls(comparison),
            **_explain_missing_counts(optimization, cube),
        },
    )


def build_statements(optimization: Optimization) -> list[FigureStatement]:
    """Return the statement that counts the stored days as they were counted.

    It is about the metric's present revision, as every figure is.

    It runs as it is in the `dialect` of the warehouse. docs/warehouse.md has the settings
    that the managed store needs before.
    """
    if optimization.went_live_at is None:
        return []
    metric = stored.require_reward_metric(optimization)
    as_of = refresh.find_last_refresh(optimization, metric)
    if as_of is None:
        return []
    present = specification.build_count_plan(optimization, metric, as_of).present
    stored_days = refresh.list_stored_days(optimization, metric)
    days = tuple(filter(present.regimes.covers, stored_days))
    warehouse = connections.load_backend(optimization.organization_id)
    queries = specification.validate_queries(
        optimization, present.definition, warehouse
    )
    # What the server understands decides which text counted.
    text_dialect = warehouse.find_dialect()
    statement = build_statement(
        replace(present.spec, days=days), *queries, text_dialect
    )
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
    optimization: Optimization, version: PolicyVersion | None, cube: ObservationCube
) -> list[VariantResult]:
    counts = aggregates.count_by_key(cube.arrays, cube.arrays.variant)
    estimates = modeled.read_variant_estimates(version)
    weights = (  # a draft has no version
        modeled.compute_traffic_weights(optimization, version, cube) if version else {}
    )
    return [
        _build_variant_result(
            variant,
            counts.get((variant.number,), Counts()),
            weights.get(variant.number),
            estimates.get(variant.number, VariantEstimate()),
        )
        for variant in optimization.variants.order_by("number").defer("screenshot")
    ]


def _build_variant_result(
    variant: Variant, counts: Counts, weight: float | None, estimate: VariantEstimate
) -> VariantResult:
    exposures, users = counts.exposures, counts.users
    return VariantResult(
        number=variant.number,
        variant_key=variant.variant_key,
        variant=variant.levels,
        enabled=variant.enabled and not variant.excluded,
        exposures=exposures,
        conversions=counts.conversions,
        rate=counts.conversions / exposures if exposures else 0.0,
        users=users,
        user_rate=counts.conversions / users if users else 0.0,
        weight=weight,
        prob_best=estimate.prob_best,
        expected_reward_mean=estimate.expected_reward_mean,
        expected_reward_lo=estimate.expected_reward_lo,
        expected_reward_hi=estimate.expected_reward_hi,
    )


def build_time_series(
    optimization: Optimization, cube: ObservationCube
) -> list[DailyCounts]:
    """Return exposures and conversions by day of first touch and variant_key."""
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    cells = cube.arrays
    counts = aggregates.count_by_key(cells, cells.day, cells.variant)
    days: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for (day, number), day_counts in sorted(counts.items()):
        if number in keys:
            days[day][keys[number]] = {
                "exposures": day_counts.exposures,
                "conversions": day_counts.conversions,
            }
    return [
        DailyCounts(date.fromordinal(day), variants) for day, variants in days.items()
    ]
