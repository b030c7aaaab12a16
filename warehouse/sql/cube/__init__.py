"""The SQL that counts the observation cube: one template for Postgres, one for the cloud."""
