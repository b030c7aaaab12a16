"""The managed store as customers' SQL sees it, and who may call `set_config`."""

SCHEMA = "managed_dw"
READER = "levered_reader"
# The backend sets it for one transaction; without it the views show no rows.
ORGANIZATION_SETTING = "levered.organization_id"

# Types by column name, in the order of `SELECT *`.
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

# `set_config` is the only function with which a SELECT can change a setting. Customers'
# queries must not call it, or they could switch role or organization. A superuser owns
# it: a service that is no superuser cannot revoke it, so an operator has to.
SET_CONFIG = "FUNCTION pg_catalog.set_config(text, text, boolean)"
REVOKE_SET_CONFIG_HINT = (
    f"As a superuser, once in this database: GRANT EXECUTE ON {SET_CONFIG} TO "
    f"<the service's user>; REVOKE EXECUTE ON {SET_CONFIG} FROM PUBLIC;"
)
SELECT_PUBLIC_MAY_SET_CONFIG = """
SELECT has_function_privilege('public', 'pg_catalog.set_config(text, text, boolean)',
  'EXECUTE')
"""
SELECT_SERVICE_MAY_SET_CONFIG = """
SELECT has_function_privilege(current_user, 'pg_catalog.set_config(text, text, boolean)',
  'EXECUTE')
"""

# Postgres grants this to everybody with each new database.
SELECT_READER_MAY_CREATE_TABLES = f"""
SELECT COALESCE(bool_or(has_database_privilege(oid, current_database(), 'TEMPORARY')),
  false) AS may_create
FROM pg_catalog.pg_roles
WHERE rolname = '{READER}'
"""  # noqa: S608 - a constant of this module
REVOKE_TEMPORARY_HINT = (
    "If this is still so after `manage.py migrate`: run what `manage.py sqlmigrate "
    "warehouse 0013` prints, once, as the database's owner."
)
