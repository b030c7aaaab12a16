"""Since which day no events were dropped."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0004_settings_closed'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptSince',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('day', models.DateField()),
            ],
            options={
                'db_table': 'kept_since',
            },
        ),
    ]
