"""`manage.py rotate_credentials`: seal every connection's credentials with the first key."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from typing_extensions import override

from levered_site.errors import WarehouseError
from warehouse import encryption
from warehouse.models import Connection


class Command(BaseCommand):
    """Rotate: put a new key in front of CREDENTIAL_KEYS, run this, drop the old key."""

    help = "Encrypt all stored credentials with the first of CREDENTIAL_KEYS."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Seal what is not sealed with the first key yet; a second run changes nothing."""
        rotated, lost = 0, []
        keys = Connection.objects.exclude(credentials=None).values_list("pk", flat=True)
        for key in list(keys):
            try:
                rotated += _rotate_connection(key)
            except WarehouseError:
                lost.append(str(key))
        self.stdout.write(f"{rotated} rotated.")
        if lost:
            raise CommandError(f"No key opens the credentials of: {', '.join(lost)}.")


@transaction.atomic
def _rotate_connection(key: UUID) -> int:
    connection = Connection.objects.select_for_update().filter(pk=key).first()
    if connection is None or connection.credentials is None:
        return 0
    sealed = encryption.reencrypt_credentials(connection.credentials)
    if sealed is None:
        return 0
    # By update(): when it was connected has not changed.
    return Connection.objects.filter(pk=key).update(credentials=sealed)
