"""The managed store as customers' SQL sees it: two views, their columns, the reader role."""

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

# The only function by which a SELECT can change settings: without it a query can change
# neither the role nor the organization of its transaction. It belongs to the database's
# superuser; if the service is not a superuser, an operator has to revoke it.
SET_CONFIG = "FUNCTION pg_catalog.set_config(text, text, boolean)"
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
