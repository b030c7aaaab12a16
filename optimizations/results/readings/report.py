"""Results: the stored report of the serving version beside sums over the stored cube."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from optimizations.cube import erased_gaps, refresh, specification
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Variant
from optimizations.results import count_notes, stored
from optimizations.results.checks import unserved_variants
from optimizations.results.health import (
    check_reasons,
    health_evidence,
    health_judgement,
    health_storage,
)
from optimizations.results.health.health import Health, explain_broken
from optimizations.results.health.health_records import HealthRows
from optimizations.results.lift import measured_amounts, measured_lift
from optimizations.results.lift.measured_lift import Comparison, MeasuredLift
from optimizations.results.model import served_model
from optimizations.results.model.served_model import ServedModel
from optimizations.results.readings import modeled, variant_results
from optimizations.results.readings.context_results import ContextResult
from optimizations.results.readings.even_split import EvenSplit
from optimizations.results.readings.model_effects import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Interaction,
    Quartiles,
)
from optimizations.results.readings.modeled import ModelNotes, ModelStats
from optimizations.results.readings.variant_results import DailyCounts, VariantResult
from optimizations.results.readings.worth import Worth, build_worth
from optimizations.results.reasons import Reasons
from optimizations.results.stored import StoredCubes
from warehouse import connections
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.preview import render

NOT_LIVE = "this optimization has not been live: nothing is observed"


@dataclass(frozen=True, slots=True)
class Results:
    """Results of an optimization; every null has its reason under `unavailable`."""

    optimization_id: UUID
    as_of: Annotated[datetime | None, "When the warehouse last counted."]
    health: Health
    notes: Annotated[list[str], "How the counts came about, where that matters."]
    stats: ModelStats
    primary_metric_vs_holdout: Annotated[MeasuredLift, {"nullable": True}]
    worth: Worth
    even_split: EvenSplit
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


@dataclass(frozen=True, slots=True)
class LoadedResults:
    """What a page has read before; it makes no check that reads the latest events.

    `missing_erased` are the erased users that each guardrail lacks, by its name;
    `variants` are all of them, by number.
    """

    served: ServedModel
    health_rows: HealthRows
    missing_erased: Mapping[str, int]
    variants: Sequence[Variant]


def build_results(
    optimization: Optimization,
    cubes: StoredCubes | None = None,
    *,
    loaded: LoadedResults | None = None,
    refresh: bool = False,
    full: bool = False,
) -> Results:
    """Return the results, empty for a draft.

    With `refresh` the warehouse counts first, see `stored.refresh_counts`, which tells
    what this raises then.
    """
    metric = optimization.reward_metric
    if refresh:
        health_storage.refresh_results(optimization, full=full)
    cube = (cubes or StoredCubes(optimization)).load_reward_cube()
    served = loaded.served if loaded else served_model.load_served_model(optimization)
    sanity = modeled.check_sanity(optimization, served, cube)
    comparison = measured_lift.compare_arms(optimization, metric, cube)
    amounts = measured_amounts.measure_amounts(
        optimization,
        metric,
        cube,
        comparison.tuning,
    )
    measured = measured_lift.build_measured_lift(metric, comparison, amounts)
    measured_reasons = measured_lift.explain_nulls(comparison, amounts)
    checks = health_evidence.build_checks(
        optimization, cube, sanity, reads_events=loaded is None
    )
    judged = health_judgement.judge_checks(
        optimization,
        cube,
        comparison,
        checks,
        amounts,
        loaded.health_rows if loaded else None,
    )
    model = modeled.build_modeled_results(
        optimization, served, cube, checks["baseline_sanity"], explain_broken(judged)
    )
    known_variants = (
        loaded.variants if loaded else variant_results.list_variants(optimization)
    )
    variants = variant_results.build_variant_results(
        optimization,
        known_variants,
        cube,
        served_model.compute_traffic_weights(served, cube),
        model.estimates,
    )
    return Results(
        optimization_id=optimization.pk,
        as_of=cube.as_of,
        health=judged,
        notes=[
            *count_notes.list_notes(cube),
            *count_notes.list_guardrail_notes(
                loaded.missing_erased if loaded else _count_erased(optimization)
            ),
            *_list_lift_notes(optimization, comparison),
            *check_reasons.note_missing_context(checks["missing_context"]),
        ],
        stats=model.stats,
        primary_metric_vs_holdout=measured,
        worth=build_worth(metric, measured, measured_reasons),
        even_split=model.even_split,
        checks=checks,
        variants=variants,
        factor_importance=model.effects.factor_importance,
        factor_utilities=model.effects.factor_utilities,
        interaction_importance=model.effects.interaction_importance,
        interactions=model.effects.interactions,
        context_importance=model.effects.context_importance,
        contexts=model.effects.contexts,
        time_series=variant_results.build_time_series(
            optimization, known_variants, cube
        ),
        model=model.model,
        unavailable={
            **model.unavailable,
            **measured_reasons,
            **variant_results.explain_missing_rates(variants),
            **_explain_missing_counts(optimization, cube, variants),
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


def _list_lift_notes(optimization: Optimization, comparison: Comparison) -> list[str]:
    """Return of what the measured lift is, where there is one and it could mislead."""
    if comparison.lift.difference is None:
        return []
    regimes = list(optimization.regimes.all())  # by number
    return unserved_variants.list_lift_notes(regimes)


def _count_erased(optimization: Optimization) -> Mapping[str, int]:
    """Return by guardrail how many erased users it lacks that the reward has."""
    return {
        metric.name: erased_gaps.count_missing_users(optimization, metric)
        for metric in optimization.list_guardrails()
    }


def _explain_missing_counts(
    optimization: Optimization, cube: ObservationCube, variants: list[VariantResult]
) -> Reasons:
    if optimization.went_live_at is None:
        return dict.fromkeys(("as_of", "variants.weight"), NOT_LIVE)
    never_counted = count_notes.explain_never_counted(cube)
    if never_counted is None:
        return {}
    rates = variant_results.explain_missing_rates(variants)
    return dict.fromkeys(("as_of", *rates), never_counted)
