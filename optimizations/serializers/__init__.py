"""Serializers: validated requests, and responses that show database rows."""
