"""Create, change and delete metrics. Their SQL is checked and run before it is saved."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.module_loading import import_string

from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations import audit, quotas
from levered_site.organizations.actors import Actor
from metrics import preview, revisions
from metrics.models import Metric
from warehouse import connections

# Changing one of these changes what is counted, so it opens a regime.
COUNTED_FIELDS = ("sql", "column_mapping", "outcomes", "look_back_days")
DEFINED_FIELDS = (
    *("name", *COUNTED_FIELDS, "direction", "value_per_conversion", "currency"),
)
MAX_COMPARED = 20  # revisions that a changed text is compared with, 10 ms each


def create_metric(
    organization_id: str, fields: Mapping[str, Any], actor: Actor
) -> Metric:
    """Save a new metric. Its `warnings` are those of a preview.

    Raises InvalidParametersError if the SQL is refused or fails, or if a mapped column
    is missing (the message lists the columns there are), or if no value is a number.
    Raises ConflictError where the organization has as many metrics as it may. Nothing is
    written then.
    """
    quotas.require_room(
        Metric.objects.filter(organization_id=organization_id),
        settings.MAX_METRICS,
        "metrics",
    )
    metric = Metric(organization_id=organization_id, **fields)
    metric.warnings = preview.check_metric(metric)
    with transaction.atomic():
        metric.save(force_insert=True)
        audit.record(organization_id, actor, "metric.define", metric, fields)
    return metric


def update_metric(metric: Metric, fields: Mapping[str, Any], actor: Actor) -> Metric:
    """Change a metric. It has a new revision if what is counted changes.

    A change that is taken back brings the revision of then back, and one of white space
    or comments keeps the present one; either way the metric has the new text. The
    `warnings` are those of a preview, and the definition before is stored. If the
    revision or the direction changes, settings.METRIC_LISTENERS are called within the
    transaction.

    Raises InvalidParametersError as `create_metric` does. Raises ConflictError if the
    reward type of a metric in use would change, or if one of settings.METRIC_GUARDS
    refuses the change.
    """
    old_reward_type = metric.reward_type
    changes = {
        name: value for name, value in fields.items() if getattr(metric, name) != value
    }
    if not changes:
        return metric
    for guard in settings.METRIC_GUARDS:
        import_string(guard)(metric, changes.keys())
    for name, value in changes.items():
        setattr(metric, name, value)
    changes_counts = any(name in COUNTED_FIELDS for name in changes)
    if changes_counts:
        _require_same_reward_type(metric, old_reward_type)
        metric.warnings = preview.check_metric(metric)
    equal_texts = _list_equal_texts(metric) if "sql" in changes else set()
    with transaction.atomic():
        # A new regime of another transaction may point at it meanwhile, and its
        # optimization be locked, which the listeners wait for.
        rows = Metric.objects.select_for_update(no_key=True)
        saved = rows.get(pk=metric.pk)
        metric.revision = saved.revision
        if changes_counts:
            _assign_revision(metric, saved, equal_texts)
        metric.updated_at = timezone.now()
        saved_fields = {*changes, *COUNTED_FIELDS, "revision", "updated_at"}
        metric.save(update_fields=saved_fields)
        before = audit.read_fields(saved, changes)
        organization_id = metric.organization_id
        audit.record(
            organization_id, actor, "metric.redefine", metric, changes, before=before
        )
        if metric.revision != saved.revision or "direction" in changes:
            for listener in settings.METRIC_LISTENERS:
                import_string(listener)(metric, saved)
    return metric


def _list_equal_texts(metric: Metric) -> set[str]:
    """Return the texts of the metric's newest revisions that are checked to its query.

    Those that the warehouse refuses by now, as one of another kind, are others.
    """
    warehouse = connections.load_backend(metric.organization_id)
    query = warehouse.check_query(metric.sql).text
    definitions = revisions.load_definitions(metric)
    newest = sorted(definitions, reverse=True)[:MAX_COMPARED]
    equal_texts = set()
    for text in {definitions[number].sql for number in newest}:
        with suppress(InvalidParametersError):
            if warehouse.check_query(text).text == query:
                equal_texts.add(text)
    return equal_texts


def _assign_revision(
    metric: Metric, saved: Metric, equal_texts: Collection[str]
) -> None:
    """Give a changed metric its revision, and store the definition that it replaces."""
    known = revisions.find_known(saved, metric, equal_texts)
    if known is None:
        metric.revision = revisions.find_next_number(saved)
    else:
        metric.revision = known.revision
    revisions.store_definition(saved)


def delete_metric(metric: Metric, actor: Actor) -> None:
    """Delete a metric. Raises ConflictError, which names the users, if it is in use."""
    if dependents := _list_dependents(metric):
        raise ConflictError(f"The metric is in use by {_join_names(dependents)}.")
    try:
        with transaction.atomic():
            organization_id = metric.organization_id
            before = audit.read_fields(metric, DEFINED_FIELDS)
            audit.record(
                organization_id, actor, "metric.forget", metric, {}, before=before
            )
            metric.delete()
    except ProtectedError as error:
        raise ConflictError(
            "The metric is part of an optimization's history."
        ) from error


def _require_same_reward_type(metric: Metric, reward_type: str) -> None:
    dependents = _list_dependents(metric)
    if metric.reward_type != reward_type and dependents:
        raise ConflictError(
            f"The metric is in use by {_join_names(dependents)}: it stays {reward_type}."
        )


def _list_dependents(metric: Metric) -> list[str]:
    """Return the names of all objects that point at the metric, of any model.

    Objects that are only marked as deleted are left out: nobody can find them.
    """
    related = Metric._meta.related_objects
    names = []
    for relation in related:
        dependents = getattr(metric, relation.get_accessor_name() or "").all()
        model_fields = relation.related_model._meta.fields
        if any(field.name == "deleted_at" for field in model_fields):
            dependents = dependents.filter(deleted_at=None)
        names += [str(dependent) for dependent in dependents[:5]]
    return names


def _join_names(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in dict.fromkeys(names))
