"""Takes from everybody but the service what a SELECT can do harm with: see docs/warehouse.md.

`manage.py sqlmigrate warehouse 0010` prints the statement for a superuser to run where the
service is none.
"""

from django.db import migrations

# The parser refuses these functions. This is the second wall: Postgres refuses them, too.
# A function that is called volatile has an effect, or waits, or reads what changes; beside
# those stand the ones that run a text as SQL or take a number of a transaction. Functions
# are taken that PUBLIC may call and that SQL can call: none with an internal argument.
# Open stay random numbers and clocks, and what psql, drivers and monitoring read.
CLOSE_FUNCTIONS = r"""
DO $do$
DECLARE
  routine regprocedure;
  service name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('event_keys'));
BEGIN
  FOR routine IN
    SELECT p.oid FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.prokind = 'f' AND has_function_privilege('public', p.oid, 'EXECUTE')
      AND pg_has_role(current_user, p.proowner, 'USAGE')
      AND (p.provolatile = 'v' OR p.prosecdef
        OR p.proname ~ '^((table|schema|database)_to_xml.*|txid_current|pg_current_xact_id)$')
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype)
      AND NOT 'internal'::regtype = ANY (p.proargtypes)
      AND p.proname !~ '^(array_sample|array_shuffle|clock_timestamp|timeofday|setseed|random|random_normal|gen_random_(uuid|bytes)|gen_salt|uuid_generate_v.*|uuidv[0-9]+)$'
      AND p.proname !~ '^(pg_is_.*|pg_jit_available|pg_partition_(ancestors|tree)|pg_.*_size|pg_stat_get_.*|pg_lock_status|pg_(safe_snapshot_)?blocking_pids|pg_control_.*|pg_current_wal_.*|pg_last_.*|pg_get_wa.*|pg_prepared_xact|pg_.*collation_actual_version|pg_notification_queue_usage|pg_get_sequence_data|pg_sequence_last_value)$'
      AND (n.nspname = 'pg_catalog' OR p.oid = to_regproc('claim_event_keys')
        OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_proc'::regclass
          AND d.objid = p.oid AND d.deptype = 'e'))
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', routine, service);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
  END LOOP;
  -- Again for a service whose user has changed since.
  FOR routine IN
    SELECT p.oid FROM pg_catalog.pg_proc AS p
    WHERE p.oid = ANY (CAST(ARRAY['pg_advisory_xact_lock(bigint)', 'pg_try_advisory_lock(bigint)',
        'pg_try_advisory_lock(integer, integer)', 'pg_advisory_unlock(integer, integer)', 'pg_advisory_unlock(bigint)',
        'pg_catalog.set_config(text, text, boolean)'] AS regprocedure[]))
      AND pg_has_role(current_user, p.proowner, 'USAGE')
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', routine, service);
  END LOOP;
END
$do$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0009_index_closed_days'),
    ]

    # Left closed when undone: the earlier version needs nothing of it for others.
    operations = [migrations.RunSQL(CLOSE_FUNCTIONS, migrations.RunSQL.noop)]
