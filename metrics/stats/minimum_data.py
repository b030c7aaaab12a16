"""The least data from which figures are published, and the reasons for withholding."""

import math

from metrics.stats.totals import Stratum

MINIMUM_USERS = 100
MINIMUM_CONVERSIONS = 5
MINIMUM_EXPECTED_CONVERSIONS = 10

NO_COMPARISON = "no measuring period has mature users in both arms"


def explain_missing_inference(strata: tuple[Stratum, ...], kind: str) -> str | None:
    """Return why intervals and p-values are withheld; None if they are not.

    They need 100 users in each arm. For `bool` rewards, the smaller arm must also
    expect 10 conversions, and 10 users without one, if both arms convert alike. The
    rule uses expected instead of observed counts: an arm that reached a count by luck
    shows a rate far above its own, and a broken arm would never reach it. Published
    from five observed conversions on, intervals covered 41% instead of 95% at 100
    holdout users and a 2% base rate, and 15% with a holdout that converts a tenth as
    often. Other rewards need 5 rewarded users in each arm.
    """
    if not strata:
        return NO_COMPARISON
    explain = _explain_few_expected if kind == "bool" else _explain_few_converted
    return _explain_few_users(strata) or explain(strata)


def format_count(count: int, noun: str) -> str:
    """Return the count with its noun, in the plural unless there is exactly one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _explain_few_users(strata: tuple[Stratum, ...]) -> str | None:
    for name, arm in (("optimized", 0), ("holdout", 1)):
        users = sum(stratum[arm].users for stratum in strata)
        if users < MINIMUM_USERS:
            count = format_count(users, "user")
            return f"the {name} arm has {count}; {MINIMUM_USERS} are needed"
    return None


def _explain_few_converted(strata: tuple[Stratum, ...]) -> str | None:
    for name, arm in (("optimized", 0), ("holdout", 1)):
        converted = math.fsum(stratum[arm].converted_at_least for stratum in strata)
        if converted < MINIMUM_CONVERSIONS:
            users = format_count(math.floor(converted), "user")
            return (
                f"the {name} arm has {users} with a value other than 0; "
                f"{MINIMUM_CONVERSIONS} are needed"
            )
    return None


def _explain_few_expected(strata: tuple[Stratum, ...]) -> str | None:
    for arm in (0, 1):
        conversions = others = 0.0
        for optimized, holdout in strata:
            rate = (optimized.value_sum + holdout.value_sum) / (
                optimized.users + holdout.users
            )
            conversions += rate * (optimized, holdout)[arm].users
            others += (1 - rate) * (optimized, holdout)[arm].users
        if min(conversions, others) < MINIMUM_EXPECTED_CONVERSIONS:
            return (
                f"fewer than {MINIMUM_EXPECTED_CONVERSIONS} conversions (or users "
                "without one) are expected in an arm if both arms convert alike"
            )
    return None
