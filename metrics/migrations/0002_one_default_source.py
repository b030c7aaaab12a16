"""One default assignment source per organization."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0001_initial'),
        ('organizations', '0001_initial'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='assignmentsource',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('organization',), name='one_default_assignment_source'),
        ),
    ]
