"""Reasons of a health where nothing was counted: nothing known is not ok."""

from optimizations.results.health import Health, HealthReason

COUNT_FIRST = "Wait for the next training, or count now with refresh=true."
DRAFT_REASON = HealthReason(
    "not_counted",
    "Nothing counted yet: this is a draft, which has no users.",
    "Go live to have users counted.",
)
UNCOUNTED_REASON = HealthReason(
    "not_counted",
    "Nothing counted yet: the first training has not counted.",
    COUNT_FIRST,
)
REDEFINED_REASON = HealthReason(
    "not_counted",
    "Nothing counted yet by the reward's metric as it is defined now.",
    COUNT_FIRST,
)
NOTHING_YET = (DRAFT_REASON, UNCOUNTED_REASON)


def is_nothing_yet(health: Health) -> bool:
    """Return whether nothing is wrong yet, because nothing is known."""
    return bool(health.reasons) and all(
        reason in NOTHING_YET for reason in health.reasons
    )


def describe_uncounted_guardrail(name: str) -> HealthReason:
    """Return the reason of a guardrail that the last count did not know as it is now."""
    return HealthReason(
        "guardrail_not_counted",
        f"The guardrail “{name}” is not counted yet as it is defined now: whether it is "
        "violated is unknown.",
        COUNT_FIRST,
    )


def describe_missing_users(users: int, mature_users: int) -> list[HealthReason]:
    """Return the reason if no user was counted, or none whose horizon is over."""
    if not users:
        return [
            HealthReason(
                "no_users",
                "Nothing counted yet: the last count found no user.",
                "Show variants to users. If they are shown already, check that their "
                "exposures arrive, and with the right optimization and time.",
            )
        ]
    if not mature_users:
        return [
            HealthReason(
                "no_mature_users",
                f"Nothing to compare yet: {users} users were counted, and the time in "
                "which their rewards count is not over for any of them.",
                "Wait until the horizon of the first users is over.",
            )
        ]
    return []
