"""Ask a Levered service which variant to show, and tell it what visitors did."""

from levered.async_client import AsyncLevered
from levered.client import Levered
from levered.decision import Decision, Variant
from levered.errors import (
    ApiError,
    LeveredError,
    NetworkError,
    PolicyError,
    RefusedError,
    UnusableAnswerError,
)

__version__ = "0.1.0"
__all__ = [
    "ApiError",
    "AsyncLevered",
    "Decision",
    "Levered",
    "LeveredError",
    "NetworkError",
    "PolicyError",
    "RefusedError",
    "UnusableAnswerError",
    "Variant",
]
