from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0022_notes'),
    ]

    operations = [
        migrations.AddField(
            model_name='resultssummary',
            name='newest_user_day',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='users',
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
