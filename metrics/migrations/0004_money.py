from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0003_metric_revisions'),
    ]

    operations = [
        migrations.AddField(
            model_name='metric',
            name='value_per_conversion',
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='metric',
            name='currency',
            field=models.CharField(blank=True, max_length=3, null=True),
        ),
    ]
