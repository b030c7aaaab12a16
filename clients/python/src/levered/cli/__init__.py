"""The command line `levered`."""
