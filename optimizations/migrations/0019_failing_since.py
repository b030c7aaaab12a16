"""Keeps since when a metric could not be counted."""

from django.db import migrations, models
from django.db.models import F


def fill(apps, schema_editor):
    """Nobody knows when failures of earlier versions began: their last attempt stands."""
    apps.get_model("optimizations", "CountFailure").objects.update(
        failing_since=F("failed_at")
    )


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0017_known_violations'),
    ]

    operations = [
        migrations.AddField(
            model_name='countfailure',
            name='failing_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
