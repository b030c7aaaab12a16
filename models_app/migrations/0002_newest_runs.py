from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models_app', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='trainingrun',
            index=models.Index(fields=['model', '-created_at', '-id'], name='newest_runs'),
        ),
    ]
