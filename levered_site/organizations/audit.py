"""The audit log: who changed what, written in the transaction of the change."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from django.db.models import Model

from levered_site import json_text
from levered_site.api import requests
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import AuditEntry

NOTHING: Mapping[str, Any] = MappingProxyType({})


def record(
    organization_id: str,
    actor: Actor,
    action: str,
    target: Model,
    changes: Mapping[str, Any],
    *,
    before: Mapping[str, Any] = NOTHING,
) -> AuditEntry:
    """Append an entry: `action` as in "optimization.ship", `changes` by field name.

    `before` has the earlier values of the fields that had one: of a change those of the
    fields in `changes`, of a deletion those of what is gone. Neither may hold a secret:
    the admin and the API show them unchanged.
    """
    return AuditEntry.objects.create(
        organization_id=organization_id,
        actor_kind=actor.kind,
        actor_id=actor.id[:128],
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk)[:64],
        target_name=str(target)[:200],
        changes=_encode(changes),
        before=_encode(before),
        request_id=requests.get_request_id()[:64],
    )


def read_fields(target: object, names: Iterable[str]) -> dict[str, Any]:
    """Return the present values of the fields that a change names, for `before`."""
    return {name: getattr(target, name) for name in names}


def _encode(values: Mapping[str, Any]) -> Any:
    return orjson.loads(json_text.dump_json(dict(values), default=str))
