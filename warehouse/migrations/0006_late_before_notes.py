"""Notes the days that events came late for before notes were kept, see 0003."""

from datetime import UTC, datetime, timedelta

from django.db import migrations

# As many days as one statement reads: it locks every partition that it may touch.
BATCH = 31
NOTE = """
INSERT INTO late_days (organization_id, day, noted_at)
SELECT DISTINCT organization_id, CAST(timestamp_utc AT TIME ZONE 'UTC' AS date), now()
FROM {}
WHERE timestamp_utc >= CAST('{}Z' AS timestamptz)
  AND timestamp_utc < CAST('{}Z' AS timestamptz)
  AND timestamp_utc < created_at - interval '12 hours'
  AND created_at > now() - interval '7 days'
ON CONFLICT (organization_id, day) DO NOTHING
"""


PARTITIONS = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = CAST(%s AS regclass) ORDER BY c.relname
"""


def partition_days(schema_editor, table):
    """List the days that a table has partitions for, oldest first."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PARTITIONS, [table])
        names = [name for (name,) in cursor.fetchall()]
    return [
        datetime.strptime(name[-8:], '%Y%m%d').replace(tzinfo=UTC).date() for name in names
    ]


def note(apps, schema_editor):
    """Go by days, each batch committed for itself; safe to repeat."""
    for table in ('managed_exposures', 'managed_rewards'):
        days = partition_days(schema_editor, table)
        for start in range(0, len(days), BATCH):
            first, last = days[start], days[start:start + BATCH][-1]
            text = NOTE.format(table, f'{first} 00:00', f'{last + timedelta(days=1)} 00:00')
            schema_editor.execute(text)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('warehouse', '0005_kept_since'),
    ]

    operations = [
        migrations.RunPython(note, migrations.RunPython.noop),
    ]
