"""Which rule drew a receipt, how often a user was redrawn, and whether a policy is public.

Columns with a constant default change the catalog only: instant on tables of any size.
"""

from django.db import migrations, models

# Without checks: Postgres would read all rows for them.
ADD_REDRAWS = 'ALTER TABLE assignments ADD COLUMN redraws smallint NOT NULL DEFAULT 0'
DROP_REDRAWS = 'ALTER TABLE assignments DROP COLUMN redraws'
ADD_DRAW_RULE = """
ALTER TABLE decisions
  ADD COLUMN draw_rule smallint NOT NULL DEFAULT 0,
  ADD COLUMN redraw smallint NOT NULL DEFAULT 0
"""
DROP_DRAW_RULE = 'ALTER TABLE decisions DROP COLUMN draw_rule, DROP COLUMN redraw'


class Migration(migrations.Migration):

    dependencies = [
        ('optimizations', '0005_regime_source'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ADD_REDRAWS, DROP_REDRAWS),
                migrations.RunSQL(ADD_DRAW_RULE, DROP_DRAW_RULE),
            ],
            state_operations=[
                migrations.AddField(
                    model_name='assignment',
                    name='redraws',
                    field=models.PositiveSmallIntegerField(db_default=0, default=0),
                ),
                migrations.AddField(
                    model_name='decision',
                    name='draw_rule',
                    field=models.PositiveSmallIntegerField(choices=[(0, 'Cumulative'), (1, 'Rendezvous')], db_default=0, default=0),
                ),
                migrations.AddField(
                    model_name='decision',
                    name='redraw',
                    field=models.PositiveSmallIntegerField(db_default=0, default=0),
                ),
            ],
        ),
        migrations.AddField(
            model_name='optimization',
            name='public_policy',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
