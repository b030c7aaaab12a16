"""The SQL behind previews, samples and catalogs."""
