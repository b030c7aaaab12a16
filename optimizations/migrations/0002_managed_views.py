"""The managed store as customers' SQL sees it: receipts and events in one view.

The SQL is frozen here as it was released; a later change of the views is a new migration.
"""

from django.db import migrations

# security_barrier: a customer's condition that could leak (a cast whose error names the
# value) never runs on another organization's row before the filter has dropped it.
# Roles belong to the whole server: two databases may migrate at once, hence the two
# exceptions; where CREATE ROLE is not allowed an operator creates the role beforehand.
CREATE_VIEWS = """
CREATE SCHEMA IF NOT EXISTS managed_dw;
CREATE OR REPLACE VIEW managed_dw.exposures WITH (security_barrier) AS
SELECT anonymous_id, variant, context, decided_at AS timestamp_utc, organization_id,
       optimization_id, decided_at AS created_at,
       CAST(policy_version AS integer) AS policy_version,
       CAST(in_holdout AS boolean) AS in_holdout, CAST('serve' AS text) AS source
FROM decisions
WHERE organization_id = current_setting('levered.organization_id', true)
UNION ALL
SELECT anonymous_id, variant, context, timestamp_utc, organization_id,
       optimization_id, created_at,
       CAST(policy_version AS integer),
       CAST(NULL AS boolean), CAST('ingest' AS text)
FROM managed_exposures
WHERE organization_id = current_setting('levered.organization_id', true);

CREATE SCHEMA IF NOT EXISTS managed_dw;
CREATE OR REPLACE VIEW managed_dw.rewards WITH (security_barrier) AS
SELECT anonymous_id, name, value, timestamp_utc, organization_id, optimization_id,
       properties, created_at
FROM managed_rewards
WHERE organization_id = current_setting('levered.organization_id', true);

DO $do$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'levered_reader') THEN
    BEGIN
      CREATE ROLE levered_reader NOLOGIN NOINHERIT;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the database user % may not create roles', current_user
          USING HINT = 'As a superuser run once: CREATE ROLE levered_reader NOLOGIN; '
            'GRANT levered_reader TO ' || quote_ident(current_user) || ';';
    END;
  END IF;
  BEGIN
    EXECUTE format('GRANT levered_reader TO %I', current_user);
  EXCEPTION
    WHEN insufficient_privilege THEN
      IF NOT pg_has_role(current_user, 'levered_reader', 'MEMBER') THEN
        RAISE;
      END IF;
  END;
END
$do$;

GRANT USAGE ON SCHEMA managed_dw TO levered_reader;
GRANT SELECT ON managed_dw.exposures, managed_dw.rewards TO levered_reader;
"""
DROP_VIEWS = """
DROP VIEW IF EXISTS managed_dw.exposures;
DROP VIEW IF EXISTS managed_dw.rewards;
DROP SCHEMA IF EXISTS managed_dw;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0001_initial'),
        ('warehouse', '0001_initial'),
    ]

    operations = [migrations.RunSQL(CREATE_VIEWS, DROP_VIEWS)]
