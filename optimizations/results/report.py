"""Results: the stored report of the version that serves, beside sums over the stored cube."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from models_app import versions
from models_app.models import PolicyVersion
from optimizations.cube import aggregates, refresh, specification
from optimizations.cube.aggregates import Counts
from optimizations.cube.refresh import Observed
from optimizations.models import Optimization, Variant
from optimizations.results import measured_lift, modeled, stored
from warehouse import connections
from warehouse.sql.cube import statement as warehouse_cube
from warehouse.sql.preview import render

Json = dict[str, Any]
NOT_ASKED = "the warehouse has not been asked yet; ?refresh=true asks it"
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


def of(
    optimization: Optimization, *, refresh: bool = False, full: bool = False
) -> Results:
    """Gather results; asks the warehouse first where `refresh` is set (see `ask`).

    Of a draft the same shape with nothing in it. Raises what `cube.refresh` raises.
    """
    metric = optimization.reward_metric
    if refresh:
        stored.ask(optimization, full=full)
    observed = stored.stored(optimization)
    version = versions.serving(optimization.model)
    learned = modeled.of(optimization, version, observed)
    compared = measured_lift.of(optimization, metric, observed)
    return Results(
        optimization_id=optimization.pk,
        as_of=observed.as_of,
        stats=learned.stats,
        primary_metric_vs_holdout=measured_lift.shown(metric, compared),
        checks={
            **measured_lift.checks(optimization, observed),
            "baseline_sanity": learned.sanity and asdict(learned.sanity),
        },
        variants=_variants(optimization, version, observed),
        time_series=time_series(optimization, observed),
        unavailable={
            **learned.unavailable,
            **measured_lift.withheld(compared),
            **_unasked(optimization, observed),
        },
        model=learned.model,
        **learned.structure,
    )


def statements(optimization: Optimization) -> list[Json]:
    """Return the statement that counts the stored days as they were counted.

    It can be run as it is, in the `dialect` of the warehouse; what the managed store wants
    said before is in docs/warehouse.md.
    """
    as_of = stored.stored(optimization).as_of
    if as_of is None:
        return []
    metric = stored.primary(optimization)
    days = refresh.stored_days(optimization, metric)
    spec = specification.of(optimization, metric, as_of)
    warehouse = connections.backend(optimization.organization_id)
    asked = specification.checked(optimization, metric, warehouse)
    text = warehouse_cube.statement(replace(spec, days=days), *asked, warehouse.dialect)
    return [
        {
            "figures": "every measured figure and count",
            "dialect": warehouse.dialect,
            "statement": render.runnable(text, warehouse.dialect),
        }
    ]


def _unasked(optimization: Optimization, observed: Observed) -> dict[str, str]:
    if optimization.went_live_at is None:
        return dict.fromkeys(("as_of", "variants.weight"), NOT_LIVE)
    return {} if observed.as_of else {"as_of": NOT_ASKED}


def _variants(
    optimization: Optimization, version: PolicyVersion | None, observed: Observed
) -> list[Json]:
    found = aggregates.counts(observed.cells, lambda cell: cell.variant)
    learned = modeled.variants(optimization, version, observed)
    rows = optimization.variants.order_by("number").defer("screenshot")
    return [
        _counted(row, found.get(row.number, Counts())) | learned[row.number]
        for row in rows
    ]


def _counted(variant: Variant, found: Counts) -> Json:
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


def time_series(optimization: Optimization, observed: Observed) -> list[Json]:
    """Count exposures and conversions by day of first touch and variant_key."""
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    found = aggregates.counts(observed.cells, lambda cell: (cell.day, cell.variant))
    days: dict[Any, Json] = {}
    for (day, number), counted in sorted(found.items()):
        if number in keys:
            days.setdefault(day, {})[keys[number]] = {
                "exposures": counted.exposures,
                "conversions": counted.conversions,
            }
    return [{"date": day, "variants": variants} for day, variants in days.items()]
