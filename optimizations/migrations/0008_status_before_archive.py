from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0007_assignments_epoch'),
    ]

    operations = [
        migrations.AddField(
            model_name='optimization',
            name='status_before_archive',
            field=models.CharField(blank=True, db_default='', default='', max_length=16),
        ),
    ]
