"""Time to read results: the present checkout beside another one, on one database."""
