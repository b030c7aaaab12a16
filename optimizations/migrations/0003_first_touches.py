"""First touches by user, and the two views by which the cube asks for them."""

from django.db import migrations, models

from warehouse.sql import managed


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
        migrations.RunSQL(managed.CREATE_MEMORY_VIEWS, managed.DROP_MEMORY_VIEWS),
    ]
