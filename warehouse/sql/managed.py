"""The managed store as SQL: its two views, the role that may read them, its columns."""

SCHEMA = "managed_dw"
READER = "levered_reader"
# Set for one transaction by the backend; the views show nobody's rows without it.
ORGANIZATION_SETTING = "levered.organization_id"

# Name to type, in the order of `SELECT *`.
COLUMNS: dict[str, dict[str, str]] = {
    "exposures": {
        "anonymous_id": "text",
        "variant": "text",
        "context": "text",
        "timestamp_utc": "timestamp with time zone",
        "organization_id": "character varying(64)",
        "optimization_id": "uuid",
        "created_at": "timestamp with time zone",
        "policy_version": "integer",
        "in_holdout": "boolean",
        "source": "text",
    },
    "rewards": {
        "anonymous_id": "text",
        "name": "text",
        "value": "double precision",
        "timestamp_utc": "timestamp with time zone",
        "organization_id": "character varying(64)",
        "optimization_id": "uuid",
        "properties": "jsonb",
        "created_at": "timestamp with time zone",
    },
}
NULLABLE = {
    "exposures": frozenset({"policy_version", "in_holdout"}),
    "rewards": frozenset({"optimization_id", "properties"}),
}

# security_barrier: a customer's condition that could speak (a cast whose error names the
# value) is not tried on another organization's row before the filter has dropped it.
CREATE_EXPOSURES_VIEW = """
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
"""

CREATE_REWARDS_VIEW = """
CREATE SCHEMA IF NOT EXISTS managed_dw;
CREATE OR REPLACE VIEW managed_dw.rewards WITH (security_barrier) AS
SELECT anonymous_id, name, value, timestamp_utc, organization_id, optimization_id,
       properties, created_at
FROM managed_rewards
WHERE organization_id = current_setting('levered.organization_id', true);
"""

# For the cube alone: the parser lets no customer's query name them.
CREATE_MEMORY_VIEWS = """
CREATE VIEW managed_dw.first_touches WITH (security_barrier) AS
SELECT organization_id, optimization_id, anonymous_id, touched_at, served_at
FROM first_touches
WHERE organization_id = current_setting('levered.organization_id', true);
CREATE VIEW managed_dw.look_backs WITH (security_barrier) AS
SELECT organization_id, optimization_id, first_at, until
FROM look_backs
WHERE organization_id = current_setting('levered.organization_id', true);
GRANT SELECT ON managed_dw.first_touches, managed_dw.look_backs TO levered_reader;
"""
DROP_MEMORY_VIEWS = """
DROP VIEW IF EXISTS managed_dw.first_touches;
DROP VIEW IF EXISTS managed_dw.look_backs;
"""

# Roles belong to the whole server: two databases may migrate at once, hence the two
# exceptions; where CREATE ROLE is not allowed an operator creates the role beforehand.
CREATE_READER = f"""
DO $do$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}') THEN
    BEGIN
      CREATE ROLE {READER} NOLOGIN NOINHERIT;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the database user % may not create roles', current_user
          USING HINT = 'As a superuser run once: CREATE ROLE {READER} NOLOGIN; '
            'GRANT {READER} TO ' || quote_ident(current_user) || ';';
    END;
  END IF;
  BEGIN
    EXECUTE format('GRANT {READER} TO %I', current_user);
  EXCEPTION
    WHEN insufficient_privilege THEN
      IF NOT pg_has_role(current_user, '{READER}', 'MEMBER') THEN
        RAISE;
      END IF;
  END;
END
$do$;
"""

GRANT_READER = f"""
GRANT USAGE ON SCHEMA {SCHEMA} TO {READER};
GRANT SELECT ON {SCHEMA}.exposures, {SCHEMA}.rewards TO {READER};
"""

# A SELECT changes settings by this one function alone: without it neither the role nor
# the organization of a transaction can be changed from inside a query. It belongs to the
# database's superuser; where the service is none, an operator closes it.
SET_CONFIG = "FUNCTION pg_catalog.set_config(text, text, boolean)"
CLOSE_SETTINGS = f"""
DO $do$
BEGIN
  GRANT EXECUTE ON {SET_CONFIG} TO CURRENT_USER;
  REVOKE EXECUTE ON {SET_CONFIG} FROM PUBLIC;
EXCEPTION
  WHEN insufficient_privilege THEN NULL;
END
$do$;
"""
CLOSE_SETTINGS_BY_HAND = (
    f"As a superuser, once in this database: GRANT EXECUTE ON {SET_CONFIG} TO "
    f"<the service's user>; REVOKE EXECUTE ON {SET_CONFIG} FROM PUBLIC;"
)
ARE_SETTINGS_OPEN = """
SELECT has_function_privilege('public', 'pg_catalog.set_config(text, text, boolean)',
  'EXECUTE')
"""
MAY_WE_CHANGE_SETTINGS = """
SELECT has_function_privilege(current_user, 'pg_catalog.set_config(text, text, boolean)',
  'EXECUTE')
"""
OPEN_SETTINGS = f"GRANT EXECUTE ON {SET_CONFIG} TO PUBLIC"

# For one migration that comes after the tables of both apps.
CREATE_VIEWS = (
    CREATE_EXPOSURES_VIEW + CREATE_REWARDS_VIEW + CREATE_READER + GRANT_READER
)
DROP_VIEWS = f"""
DROP VIEW IF EXISTS {SCHEMA}.exposures;
DROP VIEW IF EXISTS {SCHEMA}.rewards;
DROP SCHEMA IF EXISTS {SCHEMA};
"""
