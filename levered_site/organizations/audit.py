"""The audit log: who changed what, written in the transaction of the change."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.db.models import Model

from levered_site import json_text
from levered_site.api import requests
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import AuditEntry


def record(
    organization_id: str,
    actor: Actor,
    action: str,
    target: Model,
    changes: Mapping[str, Any],
) -> AuditEntry:
    """Append an entry: `action` as in "optimization.ship", `changes` by field name.

    `changes` must hold no secret: the admin shows it unchanged.
    """
    return AuditEntry.objects.create(
        organization_id=organization_id,
        actor_kind=actor.kind,
        actor_id=actor.id[:128],
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk)[:64],
        target_name=str(target)[:200],
        changes=orjson.loads(json_text.dump_json(dict(changes), default=str)),
        request_id=requests.get_request_id()[:64],
    )
