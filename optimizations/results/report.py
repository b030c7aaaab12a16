"""Results: the stored report of the version that serves, beside sums over the stored cube."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from models_app import versions
from models_app.models import PolicyVersion
from optimizations.cube import aggregates, refresh, specification
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Variant
from optimizations.results import measured_lift, modeled, stored
from warehouse import connections
from warehouse.sql.cube.statement import build_statement
from warehouse.sql.preview import render

Json = dict[str, Any]
NOT_REFRESHED = "the warehouse has not been asked yet; ?refresh=true asks it"
NOT_LIVE = "it has not been live: nothing is observed"


@dataclass(frozen=True, slots=True)
class Results:
    """The answer of /results; every null has its reason under `unavailable`."""

    optimization_id: UUID
    as_of: datetime | None
    stats: Json
    primary_metric_vs_holdout: Json
    checks: Json
    variants: list[Json]
    factor_importance: list[Json] | None
    factor_utilities: list[Json] | None
    interaction_importance: Json | None
    interactions: list[Json] | None
    context_importance: list[Json] | None
    contexts: list[Json] | None
    time_series: list[Json]
    model: Json
    unavailable: dict[str, str]


def build_results(
    optimization: Optimization, *, refresh: bool = False, full: bool = False
) -> Results:
    """Gather results; asks the warehouse first where `refresh` is set (see `ask`).

    Of a draft the same shape with nothing in it. Raises what `cube.refresh` raises.
    """
    metric = optimization.reward_metric
    if refresh:
        stored.refresh_counts(optimization, full=full)
    observed = stored.load_reward_cube(optimization)
    version = versions.find_serving_version(optimization.model)
    learned = modeled.build_modeled_results(optimization, version, observed)
    compared = measured_lift.compare_arms(optimization, metric, observed)
    return Results(
        optimization_id=optimization.pk,
        as_of=observed.as_of,
        stats=learned.stats,
        primary_metric_vs_holdout=measured_lift.format_comparison(metric, compared),
        checks={
            **measured_lift.check_traffic(optimization, observed),
            "baseline_sanity": learned.sanity and asdict(learned.sanity),
        },
        variants=_build_variant_rows(optimization, version, observed),
        time_series=build_time_series(optimization, observed),
        unavailable={
            **learned.unavailable,
            **measured_lift.explain_nulls(compared),
            **_explain_missing_counts(optimization, observed),
        },
        model=learned.model,
        **learned.structure,
    )


def build_statements(optimization: Optimization) -> list[Json]:
    """Return the statement that counts the stored days as they were counted.

    It can be run as it is, in the `dialect` of the warehouse; what the managed store wants
    said before is in docs/warehouse.md.
    """
    as_of = stored.load_reward_cube(optimization).as_of
    if as_of is None:
        return []
    metric = stored.require_reward_metric(optimization)
    days = refresh.list_stored_days(optimization, metric)
    spec = specification.build_cube_spec(optimization, metric, as_of)
    warehouse = connections.load_backend(optimization.organization_id)
    asked = specification.validate_queries(optimization, metric, warehouse)
    text = build_statement(replace(spec, days=days), *asked, warehouse.dialect)
    return [
        {
            "figures": "every measured figure and count",
            "dialect": warehouse.dialect,
            "statement": render.render_statement(text, warehouse.dialect),
        }
    ]


def _explain_missing_counts(
    optimization: Optimization, observed: ObservationCube
) -> dict[str, str]:
    if optimization.went_live_at is None:
        return dict.fromkeys(("as_of", "variants.weight"), NOT_LIVE)
    return {} if observed.as_of else {"as_of": NOT_REFRESHED}


def _build_variant_rows(
    optimization: Optimization, version: PolicyVersion | None, observed: ObservationCube
) -> list[Json]:
    found = aggregates.count_by_key(observed.cells, lambda cell: cell.variant)
    learned = modeled.build_variant_figures(optimization, version, observed)
    rows = optimization.variants.order_by("number").defer("screenshot")
    return [
        _format_variant_counts(row, found.get(row.number, Counts()))
        | learned[row.number]
        for row in rows
    ]


def _format_variant_counts(variant: Variant, found: Counts) -> Json:
    return {
        "number": variant.number,
        "variant_key": variant.variant_key,
        "variant": variant.levels,
        "enabled": variant.enabled and not variant.excluded,
        "exposures": found.exposures,
        "conversions": found.conversions,
        "rate": found.conversions / found.exposures if found.exposures else 0.0,
        "users": found.users,
        "user_rate": found.conversions / found.users if found.users else 0.0,
    }


def build_time_series(
    optimization: Optimization, observed: ObservationCube
) -> list[Json]:
    """Count exposures and conversions by day of first touch and variant_key."""
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    found = aggregates.count_by_key(
        observed.cells, lambda cell: (cell.day, cell.variant)
    )
    days: dict[Any, Json] = {}
    for (day, number), counted in sorted(found.items()):
        if number in keys:
            days.setdefault(day, {})[keys[number]] = {
                "exposures": counted.exposures,
                "conversions": counted.conversions,
            }
    return [{"date": day, "variants": variants} for day, variants in days.items()]
