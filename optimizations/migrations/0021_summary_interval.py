from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0020_summary_difference'),
    ]

    operations = [
        migrations.AddField(
            model_name='resultssummary',
            name='lift_ci_anytime',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='unavailable',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
