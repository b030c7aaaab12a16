from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0019_failing_since'),
    ]

    operations = [
        migrations.AddField(
            model_name='resultssummary',
            name='difference',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='difference_ci',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='difference_ci_anytime',
            field=models.JSONField(null=True),
        ),
    ]
