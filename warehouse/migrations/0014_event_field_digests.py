"""Keeps a digest of each field of an event with its idempotency key.

A repeat may leave fields out, such as a time that the first one gave.
"""

from django.db import migrations, models

# As in 0011, which stays for processes of the earlier version until the upgrade ends. Keys
# that they store have no such digests: whatever repeats them counts as the same event.
CLAIM = """
CREATE FUNCTION claim_event_keys(
  of_organization text, of_endpoint text, sent text[], digests_of_fields text[])
RETURNS SETOF text LANGUAGE plpgsql AS $function$
BEGIN
  INSERT INTO event_keys (organization_id, endpoint, key, field_digests, created_at)
  SELECT of_organization, of_endpoint, s.key, decode(s.digests, 'hex'), now()
  FROM unnest(sent, digests_of_fields) AS s (key, digests)
  WHERE s.key IS NOT NULL ORDER BY s.key;
EXCEPTION WHEN unique_violation THEN
  RETURN QUERY
  WITH new_keys AS (
    INSERT INTO event_keys AS e (organization_id, endpoint, key, field_digests, created_at)
    SELECT of_organization, of_endpoint, s.key, decode(s.digests, 'hex'), now()
    FROM unnest(sent, digests_of_fields) AS s (key, digests)
    WHERE s.key IS NOT NULL ORDER BY s.key
    ON CONFLICT (organization_id, endpoint, key) DO NOTHING
    RETURNING e.key
  )
  SELECT s.key FROM unnest(sent) AS s (key)
  WHERE s.key IS NOT NULL AND s.key NOT IN (SELECT n.key FROM new_keys AS n);
END
$function$;
COMMENT ON FUNCTION claim_event_keys(text, text, text[], text[])
  IS 'Stores new keys; returns those that were stored before.';
REVOKE EXECUTE ON FUNCTION claim_event_keys(text, text, text[], text[]) FROM PUBLIC;
"""
DROP_CLAIM = 'DROP FUNCTION claim_event_keys(text, text, text[], text[])'


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0013_temporary_tables_closed'),
    ]

    operations = [
        migrations.AddField(
            model_name='eventkey',
            name='field_digests',
            field=models.BinaryField(null=True),
        ),
        migrations.RunSQL(CLAIM, DROP_CLAIM),
    ]
