"""Rewards get their index by user once their day is over, see `warehouse.closed_days`."""

from django.db import migrations

# Dropped with the indexes of all days: those of closed days are built again within the
# hour, one at a time, without blocking anybody.
DROP = 'DROP INDEX managed_rewards_of_user'
# Takes over the indexes that closed days have.
CREATE = """
CREATE INDEX managed_rewards_of_user
  ON managed_rewards (organization_id, anonymous_id, timestamp_utc)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0008_event_key_order'),
    ]

    operations = [
        migrations.RunSQL(DROP, CREATE),
    ]
