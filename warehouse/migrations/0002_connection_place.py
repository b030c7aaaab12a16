"""Which warehouse a connection leads to, so that another one begins a regime."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='place',
            field=models.CharField(blank=True, default='', editable=False, max_length=16),
            preserve_default=False,
        ),
    ]
