from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('organizations', '0004_staff_memberships'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='before',
            field=models.JSONField(null=True),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['organization', 'target_id', '-created_at'], name='audit_by_target'),
        ),
    ]
