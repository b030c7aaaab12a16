from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0010_guardrail_shares'),
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
