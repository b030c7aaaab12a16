"""First touches by user, and the two views by which the cube asks for them."""

from django.db import migrations, models

# The cube alone reads these views: the parser lets no customer's query name them.
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


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0002_managed_views'),
    ]

    operations = [
        migrations.CreateModel(
            name='FirstTouch',
            fields=[
                ('pk', models.CompositePrimaryKey('optimization_id', 'anonymous_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('optimization_id', models.UUIDField()),
                ('anonymous_id', models.TextField()),
                ('organization_id', models.CharField(max_length=64)),
                ('touched_at', models.DateTimeField()),
                ('served_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'first_touches',
            },
        ),
        migrations.CreateModel(
            name='LookBack',
            fields=[
                ('optimization_id', models.UUIDField(primary_key=True, serialize=False)),
                ('organization_id', models.CharField(max_length=64)),
                ('first_at', models.DateTimeField(null=True)),
                ('until', models.DateTimeField()),
                ('kept_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'look_backs',
            },
        ),
        migrations.RunSQL(CREATE_MEMORY_VIEWS, DROP_MEMORY_VIEWS),
    ]
