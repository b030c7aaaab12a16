"""Which functions of the managed store's database only the service may call.

The parser refuses them in customers' SQL. Closing them is a second wall: Postgres refuses
them to the reader. Migration 0010 of this app closes them.
"""

# Random numbers and clocks: what a query may well use.
_ORDINARY = (
    "array_sample|array_shuffle|clock_timestamp|timeofday|setseed|random|random_normal"
    "|gen_random_(uuid|bytes)|gen_salt|uuid_generate_v.*|uuidv[0-9]+"
)
# What psql, drivers and monitoring read as ordinary users of the database.
_COUNTERS = (
    "pg_is_.*|pg_jit_available|pg_partition_(ancestors|tree)|pg_.*_size|pg_stat_get_.*"
    "|pg_lock_status|pg_(safe_snapshot_)?blocking_pids|pg_control_.*|pg_current_wal_.*"
    "|pg_last_.*|pg_get_wa.*|pg_prepared_xact|pg_.*collation_actual_version"
    "|pg_notification_queue_usage|pg_get_sequence_data|pg_sequence_last_value"
)
# Not volatile, and they read whole tables, or take a number of a transaction.
_STABLE = "(table|schema|database)_to_xml.*|txid_current|pg_current_xact_id"

# Volatile functions have an effect, wait, or run a text as SQL. One with an internal
# argument cannot be called from SQL. `set_config` has a check of its own.
SELECT_OPEN_FUNCTIONS = f"""
SELECT CAST(CAST(p.oid AS regprocedure) AS text) AS signature
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.prokind = 'f' AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND has_schema_privilege('public', n.oid, 'USAGE')
  AND (p.provolatile = 'v' OR p.prosecdef OR p.proname ~ '^({_STABLE})$')
  AND p.prorettype NOT IN (CAST('trigger' AS regtype), CAST('event_trigger' AS regtype),
    CAST('language_handler' AS regtype))
  AND NOT CAST('internal' AS regtype) = ANY (p.proargtypes)
  AND p.proname !~ '^({_ORDINARY}|{_COUNTERS}|set_config)$'
ORDER BY 1
"""  # noqa: S608 - constants of this module

# Those that the service itself calls: locks of training and of partitions.
SELECT_LOST_FUNCTIONS = """
SELECT CAST(s.signature AS text) AS signature
FROM unnest(CAST(ARRAY[
  'pg_catalog.pg_advisory_xact_lock(bigint)', 'pg_catalog.pg_try_advisory_lock(bigint)',
  'pg_catalog.pg_try_advisory_lock(integer, integer)',
  'pg_catalog.pg_advisory_unlock(integer, integer)',
  'pg_catalog.pg_advisory_unlock(bigint)'
] AS regprocedure[])) AS s (signature)
WHERE NOT has_function_privilege(current_user, s.signature, 'EXECUTE')
"""

CLOSE_HINT = (
    "As a superuser, once in this database, run what "
    "`manage.py sqlmigrate warehouse 0010` prints."
)
