"""Organizations: members, authentication, permissions, API keys and the audit log."""
