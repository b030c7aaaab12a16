"""Lets the holdout be up to 95%, so that a launch may be ramped by lowering it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0012_recording_gaps'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='optimization',
            name='holdout_percentage_in_range',
        ),
        migrations.AddConstraint(
            model_name='optimization',
            constraint=models.CheckConstraint(
                condition=models.Q(('holdout_percentage__range', (0, 95))),
                name='holdout_percentage_in_range',
            ),
        ),
    ]
