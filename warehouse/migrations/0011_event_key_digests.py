"""Keeps a digest of the event with its idempotency key: another event is no duplicate."""

from django.db import migrations, models

# As in 0007, which stays for processes of the earlier version until the upgrade ends. Keys
# that they store have no digest: whatever repeats them counts as the same event.
CLAIM = """
CREATE FUNCTION claim_event_keys(
  of_organization text, of_endpoint text, sent text[], digests bigint[])
RETURNS SETOF text LANGUAGE plpgsql AS $function$
BEGIN
  INSERT INTO event_keys (organization_id, endpoint, key, digest, created_at)
  SELECT of_organization, of_endpoint, s.key, s.digest, now()
  FROM unnest(sent, digests) AS s (key, digest) WHERE s.key IS NOT NULL ORDER BY s.key;
EXCEPTION WHEN unique_violation THEN
  RETURN QUERY
  WITH new_keys AS (
    INSERT INTO event_keys AS e (organization_id, endpoint, key, digest, created_at)
    SELECT of_organization, of_endpoint, s.key, s.digest, now()
    FROM unnest(sent, digests) AS s (key, digest) WHERE s.key IS NOT NULL ORDER BY s.key
    ON CONFLICT (organization_id, endpoint, key) DO NOTHING
    RETURNING e.key
  )
  SELECT s.key FROM unnest(sent) AS s (key)
  WHERE s.key IS NOT NULL AND s.key NOT IN (SELECT n.key FROM new_keys AS n);
END
$function$;
COMMENT ON FUNCTION claim_event_keys(text, text, text[], bigint[])
  IS 'Stores new keys; returns those that were stored before.';
REVOKE EXECUTE ON FUNCTION claim_event_keys(text, text, text[], bigint[]) FROM PUBLIC;
"""
DROP_CLAIM = 'DROP FUNCTION claim_event_keys(text, text, text[], bigint[])'


class Migration(migrations.Migration):

    dependencies = [
        ('warehouse', '0010_closed_functions'),
    ]

    operations = [
        migrations.AddField(
            model_name='eventkey',
            name='digest',
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunSQL(CLAIM, DROP_CLAIM),
    ]
