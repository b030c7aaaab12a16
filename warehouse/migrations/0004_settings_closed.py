"""Takes from everybody but the service the function that changes settings: see docs/warehouse.md."""

import structlog
from django.db import migrations

from warehouse.sql import managed

log = structlog.get_logger(__name__)


def close(apps, schema_editor):
    """Close it; where the database user may not, say what a superuser has to run."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(managed.CLOSE_SETTINGS)
        cursor.execute(managed.ARE_SETTINGS_OPEN)
        (still_open,) = cursor.fetchone()
    if still_open:
        log.warning('settings_left_open', cure=managed.CLOSE_SETTINGS_BY_HAND)


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0003_late_days'),
    ]

    operations = [
        migrations.RunPython(close, migrations.RunPython.noop),
        migrations.RunSQL(migrations.RunSQL.noop, managed.OPEN_SETTINGS),
    ]
