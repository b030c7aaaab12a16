"""When there is enough to say anything, and the sentence said when there is not."""

import math

from metrics.stats.totals import Stratum

MINIMUM_USERS = 100
MINIMUM_CONVERSIONS = 5
MINIMUM_EXPECTED_CONVERSIONS = 10

NO_COMPARISON = "no regime has users in both arms"


def explain_missing_rates(strata: tuple[Stratum, ...]) -> str | None:
    """Why the two means cannot be given, or None when they can."""
    return None if strata else NO_COMPARISON


def explain_missing_inference(strata: tuple[Stratum, ...], kind: str) -> str | None:
    """Why intervals and p-values are withheld, or None when they are not.

    Fewer than 100 users in an arm. For ``bool`` fewer than 10 conversions, or
    users without one, expected in the smaller arm if both converted alike: not
    how many there are. An arm that reached a count by luck shows a rate far
    above its own, and one that is broken would never reach it (published only
    from five on, intervals covered 41% instead of 95 at 100 holdout users and a
    2% base rate, and 15% where a holdout converts a tenth as often). For the
    others fewer than 5 rewarded users in an arm.
    """
    few = _explain_few_expected if kind == "bool" else _explain_few_converted
    return explain_missing_rates(strata) or _explain_few_users(strata) or few(strata)


def _explain_few_users(strata: tuple[Stratum, ...]) -> str | None:
    for name, arm in (("optimized", 0), ("holdout", 1)):
        users = sum(stratum[arm].users for stratum in strata)
        if users < MINIMUM_USERS:
            return f"the {name} arm has {users} users, {MINIMUM_USERS} are needed"
    return None


def _explain_few_converted(strata: tuple[Stratum, ...]) -> str | None:
    for name, arm in (("optimized", 0), ("holdout", 1)):
        converted = math.fsum(stratum[arm].converted_at_least for stratum in strata)
        if converted < MINIMUM_CONVERSIONS:
            return (
                f"the {name} arm has {math.floor(converted)} conversions, "
                f"{MINIMUM_CONVERSIONS} are needed"
            )
    return None


def _explain_few_expected(strata: tuple[Stratum, ...]) -> str | None:
    for arm in (0, 1):
        expected = misses = 0.0
        for optimized, holdout in strata:
            rate = (optimized.value_sum + holdout.value_sum) / (
                optimized.users + holdout.users
            )
            expected += rate * (optimized, holdout)[arm].users
            misses += (1 - rate) * (optimized, holdout)[arm].users
        if min(expected, misses) < MINIMUM_EXPECTED_CONVERSIONS:
            return (
                f"fewer than {MINIMUM_EXPECTED_CONVERSIONS} conversions (or users without one) "
                "would be expected in an arm if both converted alike"
            )
    return None
