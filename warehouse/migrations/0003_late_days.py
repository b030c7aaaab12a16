"""Which past days of an organization were written to, and when last."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0002_connection_place'),
    ]

    operations = [
        migrations.CreateModel(
            name='LateDay',
            fields=[
                ('pk', models.CompositePrimaryKey('organization_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('organization_id', models.CharField(max_length=64)),
                ('day', models.DateField()),
                ('noted_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'late_days',
            },
        ),
    ]
