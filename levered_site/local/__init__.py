"""The embedded stores and the supervisor behind `make run`."""
