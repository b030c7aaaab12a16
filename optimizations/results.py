"""Results: the stored report of the version that serves, beside sums over the stored cube."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from levered_site.errors import ConflictError
from metrics.models import Metric
from models_app import versions
from models_app.models import PolicyVersion
from optimizations import comparison, cube, modeled, questions, tallies
from optimizations.comparison import Comparison
from optimizations.cube import Observed
from optimizations.models import Optimization, Variant
from optimizations.tallies import Counts
from warehouse import connections
from warehouse.sql import cube as warehouse_cube, printed

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
        ask(optimization, full=full)
    observed = stored(optimization)
    version = versions.serving(optimization.model)
    learned = modeled.of(optimization, version, observed)
    compared = comparison.of(optimization, metric, observed)
    return Results(
        optimization_id=optimization.pk,
        as_of=observed.as_of,
        stats=learned.stats,
        primary_metric_vs_holdout=comparison.shown(metric, compared),
        checks={
            **comparison.checks(optimization, observed),
            "baseline_sanity": learned.sanity and asdict(learned.sanity),
        },
        variants=_variants(optimization, version, observed),
        time_series=time_series(optimization, observed),
        unavailable={
            **learned.unavailable,
            **comparison.withheld(compared),
            **_unasked(optimization, observed),
        },
        model=learned.model,
        **learned.structure,
    )


def ask(
    optimization: Optimization, *, guardrails: bool = False, full: bool = False
) -> None:
    """Have the warehouse count the open days anew, or with `full` all of them.

    With `guardrails` for these metrics, too.

    Nothing is asked about a draft. A shipped optimization's results freeze as of the
    moment it was shipped: they are counted until then, once. Raises what
    `cube.refresh` raises.
    """
    if optimization.went_live_at is None:
        return
    now = timezone.now()
    metrics = [primary(optimization)]
    if guardrails:
        metrics += optimization.guardrail_metrics.order_by("name", "pk")
    shipped = optimization.status == Optimization.Status.SHIPPED
    frozen_at = optimization.shipped_at if shipped else None
    for metric in metrics:
        if frozen_at is None or not _reaches(optimization, metric, frozen_at):
            as_of = frozen_at or now
            cube.count(optimization, metric, as_of, full=full)


def _reaches(optimization: Optimization, metric: Metric, moment: datetime) -> bool:
    """Whether what is stored was counted at that moment, or later."""
    counted = cube.read(optimization, metric).as_of
    return counted is not None and counted >= moment


def statements(optimization: Optimization) -> list[Json]:
    """Return the statement that counts the stored days as they were counted.

    It can be run as it is, in the `dialect` of the warehouse; what the managed store wants
    said before is in docs/warehouse.md.
    """
    as_of = stored(optimization).as_of
    if as_of is None:
        return []
    metric = primary(optimization)
    days = cube.stored_days(optimization, metric)
    spec = questions.of(optimization, metric, as_of)
    warehouse = connections.backend(optimization.organization_id)
    asked = questions.checked(optimization, metric, warehouse)
    text = warehouse_cube.statement(replace(spec, days=days), *asked, warehouse.dialect)
    return [
        {
            "figures": "every measured figure and count",
            "dialect": warehouse.dialect,
            "statement": printed.runnable(text, warehouse.dialect),
        }
    ]


def stored(optimization: Optimization) -> Observed:
    """Return the stored counts of the reward metric; none of a draft."""
    if optimization.went_live_at is None:
        return cube.NOTHING
    return cube.read(optimization, primary(optimization))


def _unasked(optimization: Optimization, observed: Observed) -> dict[str, str]:
    if optimization.went_live_at is None:
        return dict.fromkeys(("as_of", "variants.weight"), NOT_LIVE)
    return {} if observed.as_of else {"as_of": NOT_ASKED}


def primary(optimization: Optimization) -> Metric:
    """Return the reward metric. Raises ConflictError for a draft: nothing is recorded."""
    metric = optimization.reward_metric
    if metric is None or optimization.went_live_at is None:
        raise ConflictError("This optimization has not been live: it has no results.")
    return metric


def _variants(
    optimization: Optimization, version: PolicyVersion | None, observed: Observed
) -> list[Json]:
    found = tallies.counts(observed.cells, lambda cell: cell.variant)
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
    found = tallies.counts(observed.cells, lambda cell: (cell.day, cell.variant))
    days: dict[Any, Json] = {}
    for (day, number), counted in sorted(found.items()):
        if number in keys:
            days.setdefault(day, {})[keys[number]] = {
                "exposures": counted.exposures,
                "conversions": counted.conversions,
            }
    return [{"date": day, "variants": variants} for day, variants in days.items()]


def counts(optimization: Optimization, observed: Observed) -> Json:
    """Return what a report keeps of the counts it was learned from."""
    return tallies.by_level(observed.cells, optimization.model.design)


def summary(
    optimization: Optimization, observed: Observed, compared: Comparison
) -> Json:
    """Return what a list row shows: measured lift in percent, as of this training.

    `confidence` is 1 - p_value_anytime (0..1), which holds at all looks together; both
    are null while they are withheld. `exposures` are raw.
    """
    lift = compared.lift
    p_value = lift.p_value_anytime
    return {
        "variants_count": optimization.model.design.variants,
        "lift": lift.lift_percent,
        "confidence": None if p_value is None else 1 - p_value,
        "exposures": sum(cell.exposures for cell in observed.cells),
    }
