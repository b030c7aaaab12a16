"""Parse, check and scope the SQL that customers write."""
