"""Metrics are defined, redefined and forgotten: with their SQL proved and tried."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.module_loading import import_string

from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from metrics import preview
from metrics.models import Metric
from warehouse import connections
from warehouse.backends.errors import QueryFailedError

# A change of one of these changes what is counted, and so begins a new regime.
COUNTED_FIELDS = ("sql", "column_mapping", "outcomes")


def create_metric(
    organization_id: str, fields: Mapping[str, Any], actor: Actor
) -> Metric:
    """Save a new metric.

    Raises InvalidParametersError where the SQL is refused, fails, or lacks a mapped
    column (listing those there are); nothing is written then.
    """
    metric = Metric(organization_id=organization_id, **fields)
    _check_sql(metric)
    with transaction.atomic():
        metric.save(force_insert=True)
        audit.record(organization_id, actor, "metric.define", metric, fields)
    return metric


def update_metric(metric: Metric, fields: Mapping[str, Any], actor: Actor) -> Metric:
    """Change a metric; its revision grows where what is counted changes.

    Raises InvalidParametersError as `define`, ConflictError where the reward type of a
    metric in use would change, or what settings.METRIC_GUARDS keep as it is.
    """
    before = metric.reward_type
    changes = {
        name: value for name, value in fields.items() if getattr(metric, name) != value
    }
    if not changes:
        return metric
    for guard in settings.METRIC_GUARDS:
        import_string(guard)(metric, changes.keys())
    for name, value in changes.items():
        setattr(metric, name, value)
    if counted := any(name in COUNTED_FIELDS for name in changes):
        _require_same_reward_type(metric, before)
        _check_sql(metric)
    with transaction.atomic():
        kept = Metric.objects.select_for_update().get(pk=metric.pk)
        metric.revision = kept.revision + int(counted)
        metric.updated_at = timezone.now()
        metric.save(update_fields=[*changes, "revision", "updated_at"])
        audit.record(metric.organization_id, actor, "metric.redefine", metric, changes)
    return metric


def delete_metric(metric: Metric, actor: Actor) -> None:
    """Delete a metric that nothing uses; ConflictError names what does."""
    if users := _list_dependents(metric):
        raise ConflictError(f"The metric is in use by {_join_names(users)}.")
    try:
        with transaction.atomic():
            audit.record(metric.organization_id, actor, "metric.forget", metric, {})
            metric.delete()
    except ProtectedError as error:
        raise ConflictError(
            "The metric is part of an optimization's history."
        ) from error


def _check_sql(metric: Metric) -> None:
    """Run it for one row. A query that fails is a wrong field here, not an outage."""
    with connections.borrow_backend(metric.organization_id) as backend:
        try:
            backend.validate_and_run_metric(metric.sql, preview.select_columns(metric))
        except QueryFailedError as error:
            raise InvalidParametersError.for_field("sql", error.message) from error


def _require_same_reward_type(metric: Metric, before: str) -> None:
    users = _list_dependents(metric)
    if metric.reward_type != before and users:
        raise ConflictError(
            f"The metric is in use by {_join_names(users)}: it stays {before}."
        )


def _list_dependents(metric: Metric) -> list[str]:
    """Names of whatever points at the metric, without knowing who may.

    What was deleted and is only kept for its history cannot be found, and is not named.
    """
    related = Metric._meta.related_objects
    names = []
    for relation in related:
        users = getattr(metric, relation.get_accessor_name() or "").all()
        if any(one.name == "deleted_at" for one in relation.related_model._meta.fields):
            users = users.filter(deleted_at=None)
        names += [str(user) for user in users[:5]]
    return names


def _join_names(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in dict.fromkeys(names))
