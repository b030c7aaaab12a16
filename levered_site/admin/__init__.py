"""What all admin pages share: theme, base classes, actions, HTML, request limits."""
