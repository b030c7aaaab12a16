"""The connection, the managed store's events (day partitions), the ingestion ledger."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

# No default partition: a day that is missing is made, rather than filled by mistake.
EXPOSURES = """
CREATE TABLE managed_exposures (
  id bigserial NOT NULL,
  organization_id varchar(64) NOT NULL,
  optimization_id uuid NOT NULL,
  anonymous_id text NOT NULL,
  variant text NOT NULL,
  context text NOT NULL,
  policy_version integer CHECK (policy_version >= 0),
  timestamp_utc timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (timestamp_utc);
CREATE INDEX managed_exposures_of_user
  ON managed_exposures (optimization_id, anonymous_id, timestamp_utc);
CREATE INDEX managed_exposures_of_day
  ON managed_exposures (optimization_id, timestamp_utc);
CREATE INDEX managed_exposures_as_they_came ON managed_exposures USING brin (created_at);
"""

REWARDS = """
CREATE TABLE managed_rewards (
  id bigserial NOT NULL,
  organization_id varchar(64) NOT NULL,
  optimization_id uuid,
  anonymous_id text NOT NULL,
  name text NOT NULL,
  value double precision NOT NULL,
  properties jsonb,
  timestamp_utc timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (timestamp_utc);
CREATE INDEX managed_rewards_of_user
  ON managed_rewards (organization_id, anonymous_id, timestamp_utc);
CREATE INDEX managed_rewards_of_name
  ON managed_rewards (organization_id, name, timestamp_utc);
CREATE INDEX managed_rewards_as_they_came ON managed_rewards USING brin (created_at);
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('organizations', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(choices=[('bigquery', 'Bigquery'), ('snowflake', 'Snowflake'), ('postgres', 'Postgres'), ('managed', 'Managed')], max_length=16)),
                ('project_id', models.CharField(blank=True, max_length=200)),
                ('dataset_id', models.CharField(blank=True, max_length=200)),
                ('credentials', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='connection', to='organizations.organization')),
            ],
        ),
        migrations.CreateModel(
            name='EventKey',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('organization_id', models.CharField(max_length=64)),
                ('endpoint', models.CharField(max_length=16)),
                ('key', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'db_table': 'event_keys',
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'endpoint', 'key'), name='event_key_once')],
            },
        ),
        # Django cannot declare partitions: the tables by SQL, the models as state.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(EXPOSURES, 'DROP TABLE managed_exposures'),
                migrations.RunSQL(REWARDS, 'DROP TABLE managed_rewards'),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='ManagedExposure',
                    fields=[
                        ('id', models.BigAutoField(primary_key=True, serialize=False)),
                        ('organization_id', models.CharField(max_length=64)),
                        ('optimization_id', models.UUIDField()),
                        ('anonymous_id', models.TextField()),
                        ('variant', models.TextField()),
                        ('context', models.TextField()),
                        ('policy_version', models.IntegerField(null=True)),
                        ('timestamp_utc', models.DateTimeField()),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={'db_table': 'managed_exposures'},
                ),
                migrations.CreateModel(
                    name='ManagedReward',
                    fields=[
                        ('id', models.BigAutoField(primary_key=True, serialize=False)),
                        ('organization_id', models.CharField(max_length=64)),
                        ('optimization_id', models.UUIDField(null=True)),
                        ('anonymous_id', models.TextField()),
                        ('name', models.TextField()),
                        ('value', models.FloatField()),
                        ('properties', models.JSONField(null=True)),
                        ('timestamp_utc', models.DateTimeField()),
                        ('created_at', models.DateTimeField()),
                    ],
                    options={'db_table': 'managed_rewards'},
                ),
            ],
        ),
    ]
