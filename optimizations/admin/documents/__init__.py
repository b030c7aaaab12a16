"""What leaves the admin: the shared page and the report, which are one document."""
