"""Takes from everybody but the service the function that changes settings: see docs/warehouse.md."""

import structlog
from django.db import migrations

log = structlog.get_logger(__name__)

# A SELECT changes settings by this one function alone: without it neither the role nor
# the organization of a transaction can be changed from inside a query. It belongs to the
# database's superuser; where the service is not one, an operator closes it.
CLOSE_SETTINGS = """
DO $do$
BEGIN
  GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO CURRENT_USER;
  REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
EXCEPTION
  WHEN insufficient_privilege THEN NULL;
END
$do$;
"""
CLOSE_SETTINGS_BY_HAND = (
    "As a superuser, once in this database: GRANT EXECUTE ON "
    "FUNCTION pg_catalog.set_config(text, text, boolean) TO "
    "<the service's user>; REVOKE EXECUTE ON "
    "FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;"
)
ARE_SETTINGS_OPEN = """
SELECT has_function_privilege('public', 'pg_catalog.set_config(text, text, boolean)',
  'EXECUTE')
"""
OPEN_SETTINGS = "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC"


def close(apps, schema_editor):
    """Close it; where the database user may not, say what a superuser has to run."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(CLOSE_SETTINGS)
        cursor.execute(ARE_SETTINGS_OPEN)
        (still_open,) = cursor.fetchone()
    if still_open:
        log.warning('settings_left_open', cure=CLOSE_SETTINGS_BY_HAND)


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0003_late_days'),
    ]

    operations = [
        migrations.RunPython(close, migrations.RunPython.noop),
        migrations.RunSQL(migrations.RunSQL.noop, OPEN_SETTINGS),
    ]
