"""Create, change and delete assignment sources: where a connected warehouse has exposures."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit, quotas
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import Organization
from metrics import row_limit
from metrics.models import AssignmentSource
from warehouse import connections, previews
from warehouse.backends import query_validation
from warehouse.backends.base import PREVIEW_LOOK_BACK, Backend
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.managed import NO_SOURCE_NEEDED
from warehouse.previews import AssignmentSourcePreview
from warehouse.sql.shapes import CheckedSource

DEFINED_FIELDS = ("name", "sql", "column_mapping", "is_default")
NOT_CHECKED = "The rows of the last 30 days were not checked: {reason}"
DEFAULT_REQUIRED = (
    "The default can be changed only by making another source the default."
)


def find_default_source(organization_id: str) -> AssignmentSource | None:
    """Return the source of all optimizations that name none."""
    sources = AssignmentSource.objects.filter(organization_id=organization_id)
    return sources.filter(is_default=True).first()


def load_checked_default(
    organization_id: str, backend: Backend
) -> CheckedSource | None:
    """Return the checked default source, or None on the managed warehouse.

    A preview compares the ids of a metric with the exposures of this source.
    """
    source = find_default_source(organization_id)
    if source is None or not connections.is_connected(organization_id):
        return None
    return backend.validate_source(source.sql, source.column_mapping)


def fingerprint_source(source: AssignmentSource) -> str:
    """Return 16 hex digits that identify the SQL and the column mapping of a source."""
    document = orjson.dumps(
        [source.sql, source.column_mapping], option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256(document).hexdigest()[:16]


def create_source(
    organization_id: str, fields: Mapping[str, Any], actor: Actor
) -> AssignmentSource:
    """Save a new source. The first one becomes the default.

    Its `warnings` are those of a preview. Raises ConflictError on the managed warehouse,
    and where the organization has as many sources as it may. Raises
    InvalidParametersError if the SQL is refused or fails, or if a mapped column is
    missing. Nothing is written then.
    """
    quotas.require_room(
        AssignmentSource.objects.filter(organization_id=organization_id),
        settings.MAX_ASSIGNMENT_SOURCES,
        "assignment sources",
    )
    source = AssignmentSource(organization_id=organization_id, **fields)
    source.warnings = _check_source(source)
    with transaction.atomic():
        other_ids = _lock_other_sources(source)
        source.is_default = source.is_default or not other_ids
        if source.is_default:
            AssignmentSource.objects.filter(pk__in=other_ids).update(is_default=False)
        source.save(force_insert=True)
        audit.record(organization_id, actor, "assignment_source.define", source, fields)
        connections.notify_listeners(organization_id)
    return source


def update_source(
    source: AssignmentSource, fields: Mapping[str, Any], actor: Actor
) -> AssignmentSource:
    """Change a source. A changed query or mapping is checked and run before it is saved.

    Its `warnings` are those of a preview then. Raises what `create_source` raises, and ConflictError if no default would be left.
    """
    changes = {
        name: value for name, value in fields.items() if getattr(source, name) != value
    }
    if changes.get("is_default") is False:
        raise ConflictError(DEFAULT_REQUIRED)
    if not changes:
        return source
    before = audit.read_fields(source, changes)
    for name, value in changes.items():
        setattr(source, name, value)
    if {"sql", "column_mapping"} & changes.keys():
        source.warnings = _check_source(source)
    source.updated_at = timezone.now()
    with transaction.atomic():
        other_ids = _lock_other_sources(source)
        if "is_default" in changes:
            AssignmentSource.objects.filter(pk__in=other_ids).update(is_default=False)
        source.save(update_fields=[*changes, "updated_at"])
        organization_id, action = source.organization_id, "assignment_source.redefine"
        audit.record(organization_id, actor, action, source, changes, before=before)
        connections.notify_listeners(source.organization_id)
    return source


def delete_source(source: AssignmentSource, actor: Actor) -> None:
    """Delete a source.

    Raises ConflictError if an optimization names it, or if it is the default while there
    are others.
    """
    try:
        with transaction.atomic():
            other_ids = _lock_other_sources(source)
            source.refresh_from_db(fields=["is_default"])
            if source.is_default and other_ids:
                raise ConflictError(DEFAULT_REQUIRED)
            before = audit.read_fields(source, DEFINED_FIELDS)
            organization_id, action = source.organization_id, "assignment_source.forget"
            audit.record(organization_id, actor, action, source, {}, before=before)
            source.delete()
    except ProtectedError as error:
        raise ConflictError("An optimization uses this assignment source.") from error


def preview_source(source: AssignmentSource, limit: int) -> AssignmentSourcePreview:
    """Return a source's first rows of the last 30 days, and warnings about all of them."""
    with connections.borrow_backend(source.organization_id) as backend:
        checked = backend.validate_and_run_source(source.sql, source.column_mapping)
        row_limit.refuse_row_limit(checked.query)
        return _preview_checked(checked, backend, limit)


def _preview_checked(
    checked: CheckedSource, backend: Backend, limit: int
) -> AssignmentSourcePreview:
    since = timezone.now() - PREVIEW_LOOK_BACK
    preview = backend.preview_source(checked, since, limit)
    return previews.build_source_preview(checked, preview)


def _check_source(source: AssignmentSource) -> list[str]:
    """Run the SQL of a source that is about to be saved; return the preview's warnings.

    A failing query is an invalid field here, not an outage. Rows that cannot be checked
    in time are a warning; a recursion that does not end in time is refused.
    """
    if not connections.is_connected(source.organization_id):
        raise ConflictError(NO_SOURCE_NEEDED)
    with connections.borrow_backend(source.organization_id) as backend:
        with query_validation.translate_query_failures():
            checked = backend.validate_and_run_source(source.sql, source.column_mapping)
        row_limit.refuse_row_limit(checked.query)
        backend.require_recursions_end(checked.query)
        try:
            return _preview_checked(checked, backend, limit=1).warnings
        except QueryFailedError as error:
            return [NOT_CHECKED.format(reason=error.message)]


def _lock_other_sources(source: AssignmentSource) -> list[UUID]:
    """Lock the organization's row, so that one source is the default.

    Return the ids of its other sources.
    """
    organization_id = source.organization_id
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    sources = AssignmentSource.objects.filter(organization_id=organization_id)
    return list(sources.exclude(pk=source.pk).values_list("pk", flat=True))
