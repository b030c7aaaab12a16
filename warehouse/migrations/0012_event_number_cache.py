"""Lets each session take the numbers of events by the hundred: writers need not queue."""

from django.db import migrations

# Nothing reads an order from them: events of several writers interleave anyway.
CACHE = """
ALTER SEQUENCE managed_exposures_id_seq CACHE 100;
ALTER SEQUENCE managed_rewards_id_seq CACHE 100;
"""
NO_CACHE = """
ALTER SEQUENCE managed_exposures_id_seq CACHE 1;
ALTER SEQUENCE managed_rewards_id_seq CACHE 1;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0011_event_key_digests'),
    ]

    operations = [migrations.RunSQL(CACHE, NO_CACHE)]
