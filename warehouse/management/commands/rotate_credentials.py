"""`manage.py rotate_credentials`: encrypt all stored credentials with the first key."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from typing_extensions import override

from levered_site.errors import WarehouseError
from warehouse import encryption
from warehouse.models import Connection


class Command(BaseCommand):
    """To rotate keys: put a new one first in CREDENTIAL_KEYS, run this, remove the old."""

    help = "Encrypt all stored credentials with the first of CREDENTIAL_KEYS."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Encrypt what the first key does not open yet; a second run changes nothing."""
        rotated, unreadable_ids = 0, []
        connection_ids = Connection.objects.exclude(credentials=None).values_list(
            "pk", flat=True
        )
        for connection_id in list(connection_ids):
            try:
                rotated += _rotate_connection(connection_id)
            except WarehouseError:
                unreadable_ids.append(str(connection_id))
        self.stdout.write(f"{rotated} rotated.")
        if unreadable_ids:
            raise CommandError(
                "No key of CREDENTIAL_KEYS opens the credentials of these connections: "
                f"{', '.join(unreadable_ids)}."
            )


@transaction.atomic
def _rotate_connection(connection_id: UUID) -> int:
    """Encrypt one connection's credentials; return the number of rows changed."""
    connection = Connection.objects.select_for_update().filter(pk=connection_id).first()
    if connection is None or connection.credentials is None:
        return 0
    encrypted = encryption.reencrypt_credentials(connection.credentials)
    if encrypted is None:
        return 0
    # update() leaves `updated_at`, the moment of connecting, as it is.
    return Connection.objects.filter(pk=connection_id).update(credentials=encrypted)
