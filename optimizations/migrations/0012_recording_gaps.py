"""When optimizations were not live; past changes are read from the audit log."""

import django.db.models.deletion
from django.db import migrations, models

STATUSES = [('draft', 'Draft'), ('live', 'Live'), ('paused', 'Paused'), ('shipped', 'Shipped'), ('completed', 'Completed'), ('archived', 'Archived')]


def read_changes(apps, optimization):
    """Return the moments and new statuses of an optimization, oldest first."""
    AuditEntry = apps.get_model('organizations', 'AuditEntry')
    entries = AuditEntry.objects.filter(
        organization_id=optimization.organization_id,
        target_id=str(optimization.pk),
        changes__has_key='status',
    ).order_by('created_at', 'id')
    changes = [
        (entry.created_at, entry.changes['status'][1])
        for entry in entries
        if isinstance(entry.changes['status'], list) and len(entry.changes['status']) == 2
    ]
    if not changes or changes[-1][1] != optimization.status:
        since = optimization.ended_at or optimization.shipped_at or optimization.updated_at
        changes.append((since, optimization.status))
    return changes


def fill(apps, schema_editor):
    Optimization = apps.get_model('optimizations', 'Optimization')
    RecordingGap = apps.get_model('optimizations', 'RecordingGap')
    for optimization in Optimization.objects.filter(went_live_at__isnull=False).iterator():
        gaps, is_open = [], False
        for at, status in read_changes(apps, optimization):
            if is_open:
                gaps[-1].ends_at = at
            is_open = status not in ('live', 'draft') and at >= optimization.went_live_at
            if is_open:
                gaps.append(RecordingGap(optimization=optimization, starts_at=at, status=status))
        RecordingGap.objects.bulk_create(gaps)


# First touches of those times were remembered; they would hide later ones. Whoever is
# forgotten here is read again from the events, once, by the next refresh.
FORGET_TOUCHES = """
DELETE FROM first_touches AS f USING optimizations_recordinggap AS g
WHERE f.optimization_id = g.optimization_id
  AND (f.touched_at >= g.starts_at AND (g.ends_at IS NULL OR f.touched_at < g.ends_at)
    OR f.served_at >= g.starts_at AND (g.ends_at IS NULL OR f.served_at < g.ends_at));
UPDATE look_backs SET until = to_timestamp(0), kept_at = to_timestamp(0)
WHERE optimization_id IN (SELECT optimization_id FROM optimizations_recordinggap);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0011_erased_remainders'),
        ('organizations', '0003_audit_of_installation'),
    ]

    operations = [
        migrations.CreateModel(
            name='RecordingGap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(null=True)),
                ('status', models.CharField(choices=STATUSES, max_length=16)),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recording_gaps', to='optimizations.optimization')),
            ],
            options={
                'ordering': ('starts_at',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('ends_at', None)), fields=('optimization',), name='one_open_recording_gap')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(FORGET_TOUCHES, migrations.RunSQL.noop),
    ]
