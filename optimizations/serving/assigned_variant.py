"""A user's assignment as serving passes it on. Pure."""

from datetime import datetime
from typing import NamedTuple


class AssignedVariant(NamedTuple):
    """A user's assignment. `sticky` is False for the request that created it.

    `decision_id` names its receipt; 0 where nothing was stored. `redraws` counts how
    often the variant was replaced because it was barred.
    """

    variant_number: int
    in_holdout: bool
    policy_version: int
    propensity: float
    decided_at: datetime
    sticky: bool
    decision_id: int = 0
    redraws: int = 0

    def as_repeated(self) -> "AssignedVariant":
        """Return the assignment as every later request sees it."""
        if self.sticky:
            return self
        return AssignedVariant(
            self.variant_number,
            self.in_holdout,
            self.policy_version,
            self.propensity,
            self.decided_at,
            sticky=True,
            decision_id=self.decision_id,
            redraws=self.redraws,
        )
