"""The SQL that counts the observation cube, one template per dialect."""
