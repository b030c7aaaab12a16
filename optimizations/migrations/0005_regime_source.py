"""Which assignment source a regime reads, so that another one, or other SQL in it, opens one."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0004_candidates'),
    ]

    operations = [
        migrations.AddField(
            model_name='regime',
            name='source',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
    ]
