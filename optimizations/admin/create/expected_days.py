"""How many days the form expects until a decision."""

from collections.abc import Mapping
from typing import Any


def estimate_days(_fields: Mapping[str, Any]) -> str | None:
    """Return a sentence for the body of the API; None as long as there is no estimate.

    Planning belongs here. Without a sentence the traffic step and the review leave its
    place out.
    """
    return None
