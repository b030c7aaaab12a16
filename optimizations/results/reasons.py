"""Why figures are null: the reasons that several parts of results give."""

NOT_IN_REPORT = "not in the report of the last training; the next training adds it"
NO_BASELINE = "the baseline's reward may be zero, so nothing can be a percentage of it"

# The full name of a figure that is null, and why it is.
Reasons = dict[str, str]
