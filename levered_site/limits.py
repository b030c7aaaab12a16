"""Limits and defaults of the API that several apps share.

Request rates are in api/rate_limits.py, body sizes in api/body_limits.py.
"""

# Long enough for a UUID, a SHA-256 in hex or an email address (at most 254).
MAX_ANONYMOUS_ID_LENGTH = 256
# Keys are in unique indexes, which longer keys would bloat.
MAX_IDEMPOTENCY_KEY_LENGTH = 255
MAX_CONVERSION_WINDOW_HOURS = 2160  # 90 days
DEFAULT_CONVERSION_WINDOW_HOURS = 24
# The other users must suffice for learning and for the measured lift.
MAX_HOLDOUT_PERCENTAGE = 95
