"""Counts that erased people leave, and the view by which the cube adds them."""

import django.db.models.deletion
from django.db import migrations, models

# The cube alone reads this view: the parser lets no customer's query name it.
CREATE_VIEW = """
CREATE VIEW managed_dw.erased_remainders WITH (security_barrier) AS
SELECT organization_id, optimization_id, definition, day, rows
FROM erased_remainders
WHERE organization_id = current_setting('levered.organization_id', true);
GRANT SELECT ON managed_dw.erased_remainders TO levered_reader;
"""
DROP_VIEW = 'DROP VIEW IF EXISTS managed_dw.erased_remainders'


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0010_guardrail_shares'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasedRemainder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.CharField(max_length=64)),
                ('definition', models.CharField(max_length=16)),
                ('day', models.DateField()),
                ('rows', models.JSONField()),
                ('optimization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='optimizations.optimization')),
            ],
            options={
                'db_table': 'erased_remainders',
                'constraints': [models.UniqueConstraint(fields=('optimization', 'definition', 'day'), name='erased_remainder_once')],
            },
        ),
        migrations.RunSQL(CREATE_VIEW, DROP_VIEW),
    ]
