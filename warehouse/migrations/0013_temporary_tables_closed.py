"""Takes from everybody but the service the right to create temporary tables: see docs/warehouse.md.

`manage.py sqlmigrate warehouse 0013` prints the statement for the database's owner to run where
the service is none.
"""

from django.db import migrations

# Postgres grants it to PUBLIC with each new database, and so to the reader of customers' queries.
CLOSE_TEMPORARY_TABLES = """
DO $do$
DECLARE
  service name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('event_keys'));
BEGIN
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), service);
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
EXCEPTION
  WHEN insufficient_privilege THEN NULL;  -- the check warehouse.W004 says so
END
$do$;
"""
OPEN_TEMPORARY_TABLES = """
DO $do$
BEGIN
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
EXCEPTION
  WHEN insufficient_privilege THEN NULL;
END
$do$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0012_event_number_cache'),
    ]

    operations = [migrations.RunSQL(CLOSE_TEMPORARY_TABLES, OPEN_TEMPORARY_TABLES)]
