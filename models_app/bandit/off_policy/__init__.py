"""Estimators of another policy's value from logged decisions."""
