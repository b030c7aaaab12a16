"""Checks the SQL that customers write and limits it to their own rows."""
