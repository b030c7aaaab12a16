"""What to count for an optimization and a metric: a spec for each revision of the metric."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Min

from levered_site.errors import ConflictError
from metrics import revisions, sources
from metrics.models import Metric
from metrics.revisions import MetricDefinition
from optimizations import factors
from optimizations.configuration import recording_gaps, regimes, revision_regimes
from optimizations.configuration.revision_regimes import RevisionRegimes
from optimizations.models import CubeDay, Optimization
from warehouse import connections
from warehouse.backends.base import Backend
from warehouse.sql.cube.statement import (
    CheckedMetric,
    CheckedSource,
    ContextFactor,
    CubeSpec,
    OutcomeRule,
)

NO_ASSIGNMENT_SOURCE = (
    "A connected warehouse needs an assignment source: name one while the optimization is "
    "a draft, or make one the organization's default."
)
NOT_LIVE = "This optimization has not been live: it has no observations yet."
UNKNOWN_DEFINITION = (
    "The metric was changed after this optimization ended, by a version of this service "
    "that did not store what it had counted before: the counts stay as they are."
)


@dataclass(frozen=True, slots=True)
class RevisionPlan:
    """What one revision of a metric counts; `spec` has no days."""

    regimes: RevisionRegimes
    definition: MetricDefinition
    spec: CubeSpec


@dataclass(frozen=True, slots=True)
class CountPlan:
    """The revisions of a metric under an optimization, and what each counts.

    The last one is present. `first_day` is the first day of first touch, from which
    @start_date follows. The users of `uncountable` regimes keep their stored counts.
    """

    first_day: date
    revisions: tuple[RevisionPlan, ...]
    uncountable: tuple[RevisionRegimes, ...] = ()

    @property
    def present(self) -> RevisionPlan:
        """The revision that results are about."""
        return self.revisions[-1]

    def find_newest(self, day: date) -> RevisionPlan | None:
        """Return the newest revision with users of a day; None if it is uncountable."""
        newest = max(
            (regimes for regimes in self._list_regimes() if regimes.covers(day)),
            key=lambda regimes: regimes.find_newest(day),
        )
        plans = (plan for plan in self.revisions if plan.regimes == newest)
        return next(plans, None)

    def is_counted_by_present(self, day: date) -> bool:
        """Return whether the newest users of a day are of the present revision."""
        return self.find_newest(day) is self.present

    def mark_dependent(self, revisions: Collection[int]) -> "CountPlan":
        """Return the plan in which these revisions depend on their start date."""
        plans = tuple(
            replace(plan, spec=replace(plan.spec, depends_on_start=True))
            if plan.definition.revision in revisions
            else plan
            for plan in self.revisions
        )
        return replace(self, revisions=plans)

    def leave_out(self, revision: RevisionPlan) -> "CountPlan":
        """Return the plan without a revision, whose users keep their stored counts."""
        others = tuple(plan for plan in self.revisions if plan != revision)
        uncountable = (*self.uncountable, revision.regimes)
        return replace(self, revisions=others, uncountable=uncountable)

    def reach_back_to(self, first_day: date) -> "CountPlan":
        """Return the plan with an earlier first day, and so with earlier start dates."""
        plans = tuple(
            replace(
                plan,
                spec=replace(
                    plan.spec,
                    metric_start=_compute_metric_start(first_day, plan.definition),
                ),
            )
            for plan in self.revisions
        )
        return replace(self, first_day=first_day, revisions=plans)

    def _list_regimes(self) -> Iterable[RevisionRegimes]:
        return (*(plan.regimes for plan in self.revisions), *self.uncountable)


def build_cube_spec(
    optimization: Optimization, metric: Metric, as_of: datetime
) -> CubeSpec:
    """Return the spec of the metric's present revision; see `build_count_plan`."""
    return build_count_plan(optimization, metric, as_of).present.spec


def build_count_plan(
    optimization: Optimization, metric: Metric, as_of: datetime
) -> CountPlan:
    """Return what to count under each revision of the metric.

    Opens a new regime where a metric or the warehouse has changed since the last one,
    under a lock on the optimization's row.

    Raises ConflictError for a draft, and if nobody knows what the present revision counts.
    """
    _open_regime_if_changed(optimization)
    groups = revision_regimes.list_revision_regimes(optimization, metric)
    if not groups:
        raise ConflictError(NOT_LIVE)
    definitions = revisions.load_definitions(metric)
    if groups[-1].revision not in definitions:
        raise ConflictError(UNKNOWN_DEFINITION)
    base = _build_base_spec(optimization, as_of)
    first_day = _find_first_day(optimization)
    known = [group for group in groups if group.revision in definitions]
    plans = [
        _plan_revision(group, definitions[group.revision], base, first_day)
        for group in known
    ]
    if len(groups) == 1:  # all regimes
        plans = [replace(plans[0], spec=replace(plans[0].spec, counted_regimes=None))]
    uncountable = tuple(group for group in groups if group not in known)
    return CountPlan(first_day, tuple(plans), uncountable)


def _plan_revision(
    group: RevisionRegimes,
    definition: MetricDefinition,
    base: Mapping[str, Any],
    first_day: date,
) -> RevisionPlan:
    spec = CubeSpec(
        **base,
        reward_type=definition.reward_type,
        outcomes=_build_outcome_rules(definition),
        counted_regimes=group.numbers,
        metric_start=_compute_metric_start(first_day, definition),
        definition=fingerprint_metric(definition),
    )
    return RevisionPlan(group, definition, spec)


def _build_base_spec(optimization: Optimization, as_of: datetime) -> dict[str, Any]:
    """Return the fields of a CubeSpec that are the same for all revisions."""
    variants = optimization.variants.order_by("number")
    attribution = optimization.model.training_data_config["attribution"]
    return {
        "optimization_id": str(optimization.pk),
        "organization_id": optimization.organization_id,
        "variants": tuple(variants.values_list("number", "variant_key")),
        "contexts": _build_context_factors(optimization),
        "attribution": attribution["type"],
        "window_hours": attribution["conversion_window_hours"],
        "horizon_hours": attribution["horizon_hours"],
        "regimes": regimes.list_spans(optimization),
        "excluded_users": tuple(optimization.excluded_users),
        "days": (),
        "as_of": as_of,
        "history_from": _compute_history_start(as_of),
        "gaps": recording_gaps.list_gaps(optimization),
        "decided_at": optimization.shipped_at or optimization.ended_at,
    }


def _find_first_day(optimization: Optimization) -> date:
    """Return the day of going live, or of the first touch if history was sent in."""
    launch = optimization.went_live_at or optimization.created_at
    stored = CubeDay.objects.filter(optimization=optimization)
    first_stored: date | None = stored.aggregate(first=Min("day"))["first"]
    launch_day = launch.astimezone(UTC).date()
    return min(first_stored or launch_day, launch_day)


def _compute_metric_start(first_day: date, definition: MetricDefinition) -> datetime:
    """Return @start_date: the same at every count, whichever days are counted."""
    start = datetime.combine(first_day, time(), UTC)
    return start - timedelta(days=definition.look_back_days)


def fingerprint_metric(metric: Metric | MetricDefinition) -> str:
    """Return a hash of what a metric counts: metrics of the same definition share it."""
    definition = [
        metric.sql,
        metric.column_mapping,
        metric.outcomes,
        metric.look_back_days,
    ]
    text = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def _open_regime_if_changed(optimization: Optimization) -> None:
    with transaction.atomic():
        rows = Optimization.objects.select_for_update(of=("self",))
        rows = rows.select_related("model", "reward_metric")
        regimes.open_regime_if_changed(rows.get(pk=optimization.pk))


def _build_context_factors(optimization: Optimization) -> tuple[ContextFactor, ...]:
    config = optimization.model.training_data_config
    return tuple(
        ContextFactor(factor.name, factor.levels)
        for factor in factors.parse_context_factors(config)
    )


def _compute_history_start(as_of: datetime) -> datetime:
    """Return the start of the retention period; no earlier event is a first touch."""
    oldest = as_of - timedelta(days=settings.RETENTION_DAYS)
    return datetime.combine(oldest.astimezone(UTC).date(), time(), UTC)


def validate_queries(
    optimization: Optimization,
    metric: Metric | MetricDefinition,
    warehouse: Backend,
) -> tuple[CheckedMetric, CheckedSource | None]:
    """Return the checked queries of metric and source; the managed store has no source.

    Queries are checked when they are saved, but perhaps for another warehouse. Raises
    InvalidParametersError where one is invalid for this warehouse, ConflictError where a
    connected warehouse has no source.
    """
    checked = warehouse.validate_metric(metric.sql, metric.column_mapping)
    if not connections.is_connected(optimization.organization_id):
        return checked, None
    source = optimization.assignment_source
    source = source or sources.find_default_source(optimization.organization_id)
    if source is None:
        raise ConflictError(NO_ASSIGNMENT_SOURCE)
    return checked, warehouse.validate_source(source.sql, source.column_mapping)


def _build_outcome_rules(definition: MetricDefinition) -> tuple[OutcomeRule, ...]:
    return tuple(
        OutcomeRule(
            key=outcome["key"],
            weight=float(outcome["weight"]),
            by=outcome["match"]["by"],
            value=outcome["match"]["value"],
        )
        for outcome in definition.outcomes or ()
    )
