from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0016_metric_revisions'),
    ]

    operations = [
        migrations.AddField(
            model_name='resultssummary',
            name='past_violations',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='counted_revisions',
            field=models.JSONField(null=True),
        ),
    ]
