"""Reasons of a health where users or rewards are missing: nothing known is not ok."""

from optimizations.results.health.health import Health, HealthReason

COUNT_FIRST = (
    "Wait for the next training, or count now: “Count now” on the page, refresh=true in "
    "the API."
)
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
# So many mature users without any reward are more likely a wrong name than a rare reward.
MIN_USERS_WITHOUT_REWARD = 200
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


def describe_missing_rewards(
    mature_users: int, rewarded_users: int
) -> list[HealthReason]:
    """Return the reason if no user has a reward, though many horizons are over."""
    if rewarded_users or mature_users < MIN_USERS_WITHOUT_REWARD:
        return []
    return [
        HealthReason(
            "no_rewards",
            f"None of {mature_users} mature users has a reward: is the event's name "
            "right?",
            "Compare the name and the filters of the reward's metric with the events "
            "that arrive, and their ids with those of the exposures.",
        )
    ]
