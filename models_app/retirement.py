"""Delete a model softly: its versions stay, because receipts refer to them."""

from django.db import transaction
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from models_app.models import BanditModel

# A status of optimizations, read through their relation to the model: this app must not
# import optimizations.
ARCHIVED = "archived"


@transaction.atomic
def retire_model(model: BanditModel, actor: Actor) -> None:
    """Mark a model as deleted.

    Raises ConflictError while an optimization uses it that is not archived.
    """
    model = BanditModel.objects.select_for_update().get(pk=model.pk)
    blocking = BanditModel.objects.filter(
        pk=model.pk, optimization__isnull=False, optimization__deleted_at=None
    ).exclude(optimization__status=ARCHIVED)
    for status, name in blocking.values_list(
        "optimization__status", "optimization__name"
    ):
        raise ConflictError(
            f"The {status} optimization “{name}” uses this model: archive it first."
        )
    model.deleted_at = timezone.now()
    model.save(update_fields=["deleted_at", "updated_at"])
    audit.record(model.organization_id, actor, "model.delete", model, {})
