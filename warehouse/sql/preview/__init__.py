"""The SQL behind previews: sample rows, facts about all rows, catalogs, printed statements."""
