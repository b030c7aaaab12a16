"""The management API: resources with typed documents."""
