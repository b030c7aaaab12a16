import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('metrics', '0002_one_default_source'),
        ('optimizations', '0013_holdout_range'),
    ]

    operations = [
        migrations.CreateModel(
            name='AmountCap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField()),
                ('cap', models.FloatField()),
                ('fixed_at', models.DateTimeField()),
                ('metric', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='metrics.metric')),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='amount_caps', to='optimizations.optimization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('optimization', 'metric', 'revision'), name='amount_cap_once')],
            },
        ),
    ]
