"""Metrics and the assignment source that an optimization refers to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from levered_site.errors import FieldProblem, InvalidParametersError
from metrics.models import AssignmentSource, Metric
from optimizations.configuration import (
    guardrail_shares,
    past_violations,
    validation,
)
from optimizations.models import Optimization

Fields = Mapping[str, Any]


def assign_references(optimization: Optimization, fields: Fields) -> None:
    """Set the reward metric and the assignment source that `fields` name; do not save.

    Raises InvalidParametersError for an id that is not the organization's.
    """
    organization_id = optimization.organization_id
    if "reward_metric_id" in fields:
        metric_id = fields["reward_metric_id"]
        ids = {} if metric_id is None else {"reward_metric_id": metric_id}
        metrics = _load_metrics(organization_id, ids)
        optimization.reward_metric = metrics[0] if metrics else None
    if "assignment_source_id" in fields:
        optimization.assignment_source = _load_source(
            organization_id, fields["assignment_source_id"]
        )


def require_reward_type(optimization: Optimization) -> None:
    """Raise InvalidParametersError unless the config has the metric's reward type."""
    metric = optimization.reward_metric
    reward_type = optimization.model.training_data_config["reward"]["type"]
    if metric is not None and metric.reward_type != reward_type:
        raise InvalidParametersError.for_field(
            f"{validation.CONFIG_FIELD}.reward.type",
            f"must be {metric.reward_type}, the type of the reward metric",
        )


def _load_metrics(
    organization_id: str, ids_by_field: Mapping[str, UUID]
) -> list[Metric]:
    """Return the organization's metrics with these ids, each once.

    Raises InvalidParametersError naming each field whose id is not one of them.
    """
    metrics = Metric.objects.filter(organization_id=organization_id).in_bulk(
        list(ids_by_field.values())
    )
    validation.raise_problems(
        [
            FieldProblem(field, f"no such metric: {metric_id}")
            for field, metric_id in ids_by_field.items()
            if metric_id not in metrics
        ]
    )
    return [metrics[metric_id] for metric_id in dict.fromkeys(ids_by_field.values())]


def _load_source(
    organization_id: str, source_id: UUID | None
) -> AssignmentSource | None:
    if source_id is None:
        return None
    source = AssignmentSource.objects.filter(
        organization_id=organization_id, pk=source_id
    ).first()
    if source is None:
        raise InvalidParametersError.for_field(
            "assignment_source_id", f"no such assignment source: {source_id}"
        )
    return source


def set_guardrails(optimization: Optimization, fields: Fields) -> None:
    """Store the guardrail metrics that `fields` name, if any, and fix their shares.

    What is known of a violation stays known when its guardrail is detached.
    Raises InvalidParametersError for an id that is not the organization's.
    """
    if "guardrail_metric_ids" in fields:
        ids_by_field = {
            f"guardrail_metric_ids[{index}]": metric_id
            for index, metric_id in enumerate(fields["guardrail_metric_ids"])
        }
        metrics = _load_metrics(optimization.organization_id, ids_by_field)
        detached = set(optimization.guardrail_metrics.all()).difference(metrics)
        past_violations.end_by_detaching(optimization, detached)
        optimization.guardrail_metrics.set(metrics)
        guardrail_shares.fix_later_shares(optimization)
