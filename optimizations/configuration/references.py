"""Metrics and the assignment source that an optimization refers to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
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

GUARDRAILS_FIELD: Final = "guardrail_metric_ids"


def assign_references(optimization: Optimization, fields: Fields) -> list[Metric]:
    """Set the reward metric and the assignment source that `fields` name; do not save.

    Return the guardrail metrics that `fields` name, each once. Raises
    InvalidParametersError naming each field whose id is not one of the organization's.
    """
    organization_id = optimization.organization_id
    ids_by_field = _list_metric_ids(fields)
    metrics = Metric.objects.filter(organization_id=organization_id).in_bulk(
        list(ids_by_field.values())
    )
    source_id = fields.get("assignment_source_id")
    source = _find_source(organization_id, source_id)
    problems = [
        FieldProblem(field, f"no such metric: {metric_id}")
        for field, metric_id in ids_by_field.items()
        if metric_id not in metrics
    ]
    if source_id is not None and source is None:
        message = f"no such assignment source: {source_id}"
        problems.append(FieldProblem("assignment_source_id", message))
    validation.raise_problems(problems)
    if "reward_metric_id" in fields:
        optimization.reward_metric = metrics.get(fields["reward_metric_id"])
    if "assignment_source_id" in fields:
        optimization.assignment_source = source
    guardrail_ids = dict.fromkeys(fields.get(GUARDRAILS_FIELD, ()))
    return [metrics[metric_id] for metric_id in guardrail_ids]


def _list_metric_ids(fields: Fields) -> dict[str, UUID]:
    """Return the ids of metrics that `fields` name, by the place in the body."""
    ids_by_field = {}
    if fields.get("reward_metric_id") is not None:
        ids_by_field["reward_metric_id"] = fields["reward_metric_id"]
    for index, metric_id in enumerate(fields.get(GUARDRAILS_FIELD, ())):
        ids_by_field[f"{GUARDRAILS_FIELD}[{index}]"] = metric_id
    return ids_by_field


def _find_source(
    organization_id: str, source_id: UUID | None
) -> AssignmentSource | None:
    if source_id is None:
        return None
    sources = AssignmentSource.objects.filter(organization_id=organization_id)
    return sources.filter(pk=source_id).first()


def require_reward_type(optimization: Optimization) -> None:
    """Raise InvalidParametersError unless the config has the metric's reward type."""
    metric = optimization.reward_metric
    reward_type = optimization.model.training_data_config["reward"]["type"]
    if metric is not None and metric.reward_type != reward_type:
        raise InvalidParametersError.for_field(
            f"{validation.CONFIG_FIELD}.reward.type",
            f"must be {metric.reward_type}, the type of the reward metric",
        )


def replace_guardrails(optimization: Optimization, metrics: Sequence[Metric]) -> None:
    """Store other guardrail metrics, and fix their shares.

    What is known of a violation stays known when its guardrail is detached.
    """
    detached = set(optimization.guardrail_metrics.all()).difference(metrics)
    past_violations.end_by_detaching(optimization, detached)
    optimization.guardrail_metrics.set(metrics)
    guardrail_shares.fix_later_shares(optimization)
