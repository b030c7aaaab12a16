from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0014_amount_caps'),
    ]

    operations = [
        migrations.AddField(
            model_name='guardrailshare',
            name='first_violated_on',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='resultssummary',
            name='first_week_users',
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
