"""Deleting a model: out of sight, its versions stay for the receipts that name them."""

from django.db import transaction
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from models_app.models import BanditModel

# Through the relation that an optimization has to its model; see `runs.require_trainable`.
ARCHIVED = "archived"


@transaction.atomic
def retire_model(model: BanditModel, actor: Actor) -> None:
    """Soft-delete. Raises ConflictError while an optimization that is not archived uses it."""
    model = BanditModel.objects.select_for_update().get(pk=model.pk)
    users = BanditModel.objects.filter(
        pk=model.pk, optimization__isnull=False, optimization__deleted_at=None
    ).exclude(optimization__status=ARCHIVED)
    for status, name in users.values_list("optimization__status", "optimization__name"):
        raise ConflictError(
            f"The {status} optimization “{name}” uses this model: archive it first."
        )
    model.deleted_at = timezone.now()
    model.save(update_fields=["deleted_at", "updated_at"])
    audit.record(model.organization_id, actor, "model.delete", model, {})
