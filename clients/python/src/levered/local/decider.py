"""Decide by the policy; remember and queue what was decided."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from levered.decision import Ask, Decision, Source
from levered.errors import PolicyError
from levered.events import EventQueue
from levered.local.levels import clean_context
from levered.local.memory import Remembered, UserMemory
from levered.local.policy import Policy


class LocalDecider:
    """Decides as the service would, by a policy that somebody fetched."""

    def __init__(self, queue: EventQueue, remembered_users: int) -> None:
        self._queue = queue
        self._memory = UserMemory(remembered_users)

    def decide(self, ask: Ask, policy: Policy) -> Decision:
        """Return the variant of a user.

        Raise PolicyError while the optimization does not decide, and TypeError for a
        context value that is a list or a mapping.
        """
        if policy.status == "shipped":
            return self._describe(ask, policy, self._draw(ask, policy, 0), "local")
        if policy.status != "live":
            raise PolicyError(f"the optimization is {policy.status}")
        before = self._memory.get(ask.optimization_id, ask.anonymous_id)
        if before is not None and self._is_served(policy, before):
            return self._describe(ask, policy, before, "stored")
        made = self._draw(ask, policy, 0 if before is None else before.redraw + 1)
        if ask.record:
            self._memory.put(ask.optimization_id, ask.anonymous_id, made)
            self._queue.add(
                build_decisions_path(ask.optimization_id),
                _build_record(ask, policy, made),
            )
        return self._describe(ask, policy, made, "local")

    def keep(self, path: str, sent: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
        """Remember the variant that the service had assigned before: it counts."""
        optimization_id = path.split("/")[-2]
        made = Remembered(
            number=kept["variant_number"],
            version=kept["policy_version"],
            propensity=None,
            in_holdout=kept["in_holdout"],
            redraw=kept["redraw"],
        )
        self._memory.put(optimization_id, sent["anonymous_id"], made)

    @staticmethod
    def _is_served(policy: Policy, before: Remembered) -> bool:
        return (
            before.number <= len(policy.enabled) and policy.enabled[before.number - 1]
        )

    @staticmethod
    def _draw(ask: Ask, policy: Policy, redraw: int) -> Remembered:
        draw = policy.draw(ask.anonymous_id, ask.context, redraw)
        return Remembered(
            draw.number, policy.version, draw.propensity, draw.in_holdout, redraw
        )

    @staticmethod
    def _describe(
        ask: Ask, policy: Policy, made: Remembered, source: Source
    ) -> Decision:
        return Decision(
            ask.optimization_id,
            ask.anonymous_id,
            dict(policy.variants[made.number - 1]),
            source,
            made.number,
            made.version,
            made.propensity,
            made.in_holdout,
        )


def build_decisions_path(optimization_id: str) -> str:
    """Return where decisions of an optimization are sent."""
    return f"/api/v2/optimizations/{quote(optimization_id, safe='')}/decisions"


def _build_record(ask: Ask, policy: Policy, made: Remembered) -> dict[str, Any]:
    return {
        "anonymous_id": ask.anonymous_id,
        "variant_number": made.number,
        "policy_version": made.version,
        "context": policy.select_context(clean_context(ask.context)),
        "in_holdout": made.in_holdout,
        "redraw": made.redraw,
    }
