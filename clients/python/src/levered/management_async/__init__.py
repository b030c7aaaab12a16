"""The management API for an event loop; its modules are generated."""
