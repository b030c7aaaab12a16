"""Optimizations, their locks (hash partitions) and receipts (day partitions)."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

# Room on every page for the repeats: each touches its row, and such a change stays on
# the page (no index work) where the page has room.
PARTITIONS = 16
ASSIGNMENTS = """
CREATE TABLE assignments (
  optimization_id uuid NOT NULL,
  anonymous_id text NOT NULL,
  variant_number smallint NOT NULL CHECK (variant_number > 0),
  in_holdout boolean NOT NULL,
  policy_version integer NOT NULL CHECK (policy_version >= 0),
  propensity double precision NOT NULL,
  decided_at timestamptz NOT NULL,
  decision_id bigint NOT NULL,
  PRIMARY KEY (optimization_id, anonymous_id)
) PARTITION BY HASH (optimization_id);
""" + "".join(
    f"""
CREATE TABLE assignments_{number} PARTITION OF assignments
  FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number}) WITH (fillfactor = 80);
"""
    for number in range(PARTITIONS)
)

# No default partition: a day that is missing is made, rather than filled by mistake.
DECISIONS = """
CREATE TABLE decisions (
  id bigint NOT NULL,
  organization_id varchar(64) NOT NULL,
  optimization_id uuid NOT NULL,
  anonymous_id text NOT NULL,
  variant_number smallint NOT NULL CHECK (variant_number > 0),
  variant text NOT NULL,
  context text NOT NULL,
  in_holdout boolean NOT NULL,
  policy_version integer NOT NULL CHECK (policy_version >= 0),
  propensity double precision NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (decided_at, id)
) PARTITION BY RANGE (decided_at);
CREATE INDEX decisions_of_user ON decisions (optimization_id, anonymous_id, decided_at);
CREATE INDEX decisions_of_day ON decisions (optimization_id, decided_at);
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('metrics', '0001_initial'),
        ('models_app', '0001_initial'),
        ('organizations', '0001_initial'),
    ]

    operations = [
        # Django cannot declare partitions: the tables by SQL, the models as state.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ASSIGNMENTS, 'DROP TABLE assignments'),
                migrations.RunSQL(DECISIONS, 'DROP TABLE decisions'),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='Assignment',
                    fields=[
                        ('pk', models.CompositePrimaryKey('optimization_id', 'anonymous_id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('optimization_id', models.UUIDField()),
                        ('anonymous_id', models.TextField()),
                        ('variant_number', models.PositiveSmallIntegerField()),
                        ('in_holdout', models.BooleanField()),
                        ('policy_version', models.PositiveIntegerField()),
                        ('propensity', models.FloatField()),
                        ('decided_at', models.DateTimeField()),
                        ('decision_id', models.BigIntegerField()),
                    ],
                    options={
                        'db_table': 'assignments',
                    },
                ),
                migrations.CreateModel(
                    name='Decision',
                    fields=[
                        ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                        ('organization_id', models.CharField(max_length=64)),
                        ('optimization_id', models.UUIDField()),
                        ('anonymous_id', models.TextField()),
                        ('variant_number', models.PositiveSmallIntegerField()),
                        ('variant', models.TextField()),
                        ('context', models.TextField()),
                        ('in_holdout', models.BooleanField()),
                        ('policy_version', models.PositiveIntegerField()),
                        ('propensity', models.FloatField()),
                        ('decided_at', models.DateTimeField()),
                    ],
                    options={
                        'db_table': 'decisions',
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name='Optimization',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('live', 'Live'), ('paused', 'Paused'), ('shipped', 'Shipped'), ('completed', 'Completed'), ('archived', 'Archived')], max_length=16)),
                ('holdout_percentage', models.FloatField(default=10.0)),
                ('excluded_combinations', models.JSONField(blank=True, default=list)),
                ('retrain_every_minutes', models.PositiveIntegerField(default=60)),
                ('allocation', models.CharField(choices=[('default', 'Default'), ('thompson', 'Thompson'), ('uniform', 'Uniform')], default='default', max_length=16)),
                ('exploration_share', models.FloatField(default=0.01)),
                ('expected_users', models.PositiveBigIntegerField(blank=True, null=True)),
                ('allowed_origins', models.JSONField(blank=True, default=list)),
                ('excluded_users', models.JSONField(blank=True, default=list)),
                ('snapshot_version', models.PositiveBigIntegerField(default=1)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('went_live_at', models.DateTimeField(blank=True, null=True)),
                ('shipped_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
                ('assignment_source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='metrics.assignmentsource')),
                ('guardrail_metrics', models.ManyToManyField(blank=True, related_name='guarded_optimizations', to='metrics.metric')),
                ('model', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='optimization', to='models_app.banditmodel')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='optimizations', to='organizations.organization')),
                ('reward_metric', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rewarded_optimizations', to='metrics.metric')),
            ],
            options={
                'ordering': ('-updated_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='CubeDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('sealed', models.BooleanField(default=False)),
                ('computed_at', models.DateTimeField()),
                ('cells', models.BinaryField()),
                ('metric', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='metrics.metric')),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cube_days', to='optimizations.optimization')),
            ],
            options={
                'ordering': ('day',),
            },
        ),
        migrations.CreateModel(
            name='PublishedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('figures', models.JSONField()),
                ('published_at', models.DateTimeField()),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='published_days', to='optimizations.optimization')),
            ],
            options={
                'ordering': ('day',),
            },
        ),
        migrations.CreateModel(
            name='Regime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('starts_at', models.DateTimeField()),
                ('holdout_percentage', models.FloatField()),
                ('enabled', models.JSONField()),
                ('window_hours', models.PositiveIntegerField()),
                ('horizon_hours', models.PositiveIntegerField()),
                ('metric_revision', models.PositiveIntegerField(default=1)),
                ('warehouse', models.CharField(default='managed', max_length=16)),
                ('reason', models.CharField(max_length=200)),
                ('metric', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='metrics.metric')),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='regimes', to='optimizations.optimization')),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('variant_key', models.TextField()),
                ('levels', models.JSONField()),
                ('enabled', models.BooleanField(default=True)),
                ('excluded', models.BooleanField(default=False)),
                ('screenshot', models.BinaryField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='optimizations.optimization')),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.AddIndex(
            model_name='optimization',
            index=models.Index(fields=['organization', '-updated_at', '-id'], name='optimization_newest'),
        ),
        migrations.AddConstraint(
            model_name='optimization',
            constraint=models.CheckConstraint(condition=models.Q(('holdout_percentage__range', (0, 50))), name='holdout_percentage_in_range'),
        ),
        migrations.AddConstraint(
            model_name='optimization',
            constraint=models.CheckConstraint(condition=models.Q(('exploration_share__range', (0, 0.2))), name='exploration_share_in_range'),
        ),
        migrations.AddConstraint(
            model_name='optimization',
            constraint=models.CheckConstraint(condition=models.Q(('retrain_every_minutes__range', (5, 10080))), name='retrain_every_minutes_in_range'),
        ),
        migrations.AddConstraint(
            model_name='optimization',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('status', 'archived'), ('went_live_at', None)), models.Q(('reward_metric__isnull', False), ('went_live_at__isnull', False)), _connector='OR'), name='live_with_a_reward_metric'),
        ),
        migrations.AddConstraint(
            model_name='cubeday',
            constraint=models.UniqueConstraint(fields=('optimization', 'metric', 'day'), name='cube_day_once'),
        ),
        migrations.AddConstraint(
            model_name='publishedday',
            constraint=models.UniqueConstraint(fields=('optimization', 'day'), name='published_day_once'),
        ),
        migrations.AddConstraint(
            model_name='regime',
            constraint=models.UniqueConstraint(fields=('optimization', 'number'), name='regime_number_once'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.UniqueConstraint(fields=('optimization', 'number'), name='variant_number_once'),
        ),
    ]
