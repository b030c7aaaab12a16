"""Checks published beside the lift: maturity, crossover, ids, arms."""

from dataclasses import dataclass

from metrics.stats.minimum_data import format_count

MATURE_SHARE = 0.5
CROSSOVER_SHARE = 0.05
MISMATCH_SHARE = 0.01
ONE_ID_SHARE = 0.05
BLANK_ID_SHARE = 0.01
UNKNOWN_VARIANT_SHARE = 0.02
UNKNOWN_CONTEXT_SHARE = 0.05
MISSING_CONTEXT_SHARE = 0.95
# From this share on it is told, although it may be meant: the factor may be optional.
NOTED_CONTEXT_SHARE = 0.05
DISABLED_VARIANT_SHARE = 0.05
UNKNOWN_VERSION_SHARE = 0.05
UNCOUNTED_SHARE = 0.05
# Below this, the first few visitors may just lack an optional value.
MINIMUM_FIRST_EXPOSURES = 20
# Below these, one busy visitor looks like an id that many share.
MINIMUM_EXPOSURES, MINIMUM_EXPOSURES_OF_ID = 100, 20


@dataclass(frozen=True, slots=True)
class ShareCheck:
    """A share of users (0 to 1; None without users), and whether `limit` allows it."""

    ok: bool | None
    share: float | None
    limit: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class BlankIdCheck(ShareCheck):
    """A share of exposures that name nobody, and their number."""

    exposures: int


def check_maturity(mature_users: int, users: int) -> ShareCheck:
    """Check the share of users whose horizon has passed; ok from one half."""
    share = mature_users / users if users else None
    ok = None if share is None else share >= MATURE_SHARE
    reason = _explain_share(share, "of users are mature so far", ok=ok)
    return ShareCheck(ok, share, MATURE_SHARE, reason)


def check_crossover(crossover_users: int, users: int) -> ShareCheck:
    """Check the share of users who later saw another variant; ok up to 5%."""
    return _check_at_most(
        crossover_users, users, CROSSOVER_SHARE, "of users saw another variant later"
    )


def check_arm_mismatch(mismatched_users: int, users: int) -> ShareCheck:
    """Check the share of users logged with an arm other than assigned; ok up to 1%."""
    return _check_at_most(
        mismatched_users,
        users,
        MISMATCH_SHARE,
        "of users were logged with an arm that they were not assigned",
    )


def check_blank_ids(blank_exposures: int, exposures: int) -> BlankIdCheck:
    """Check the share of exposures whose id is empty or blank; ok up to 1%.

    `exposures` counts them and all others.
    """
    text = "of exposures have an empty anonymous_id and count for nobody"
    check = _check_at_most(blank_exposures, exposures, BLANK_ID_SHARE, text)
    return BlankIdCheck(
        check.ok, check.share, check.limit, check.reason, blank_exposures
    )


def check_unknown_variant(unknown_users: int, users: int) -> ShareCheck:
    """Check the share of users whose logged variant is none; ok up to 2%.

    They count in their arm, where they were shown something that nobody knows.
    """
    text = "of users were logged with a variant that does not exist"
    return _check_at_most(unknown_users, users, UNKNOWN_VARIANT_SHARE, text)


def check_unknown_context(unknown_users: int, users: int) -> ShareCheck:
    """Check the share of users with a context value that is no level; ok up to 5%."""
    text = "of users have a context value that is no level and counts as 'other'"
    return _check_at_most(unknown_users, users, UNKNOWN_CONTEXT_SHARE, text)


def check_missing_context(missing: int, first_exposures: int) -> ShareCheck:
    """Check the share of first exposures without a value of a factor; ok up to 95%.

    Some may lack it, where it is optional. If nearly all do, it is not sent at all, or
    under another name.
    """
    if 0 < first_exposures < MINIMUM_FIRST_EXPOSURES:
        few = format_count(first_exposures, "first exposure")
        reason = f"{few} so far; {MINIMUM_FIRST_EXPOSURES} are needed"
        return ShareCheck(None, None, MISSING_CONTEXT_SHARE, reason)
    text = "of first exposures lack a context factor"
    return _check_at_most(missing, first_exposures, MISSING_CONTEXT_SHARE, text)


def check_disabled_variant(disabled_users: int, users: int) -> ShareCheck:
    """Check the share of users first shown a variant that was not served; ok up to 5%.

    They count: they were shown it.
    """
    text = "of users were first shown a variant that was disabled or excluded then"
    return _check_at_most(disabled_users, users, DISABLED_VARIANT_SHARE, text)


def check_unknown_version(unknown_users: int, users: int) -> ShareCheck:
    """Check the share of users logged with a version never published; ok up to 5%.

    They count, but for off-policy evaluation.
    """
    text = "of users were logged with a policy version that was never published"
    return _check_at_most(unknown_users, users, UNKNOWN_VERSION_SHARE, text)


def check_imported_history(exposures: int, counted: int) -> ShareCheck:
    """Name the share of exposures that count by exception of their time; always ok."""
    share = exposures / counted if counted else None
    text = "of exposures count as imported history: before going live, or sent after the end"
    reason = _explain_share(share, text, ok=not exposures)
    return ShareCheck(None if share is None else True, share, 1.0, reason)


def check_uncounted_exposures(uncounted: int, exposures: int) -> ShareCheck:
    """Check the share of exposures dated while nothing counts; ok up to 5%.

    `exposures` counts them and all others.
    """
    text = "of exposures are dated while the optimization was not live and do not count"
    return _check_at_most(uncounted, exposures, UNCOUNTED_SHARE, text)


def check_one_id(exposures_of_id: int, exposures: int) -> ShareCheck:
    """Check the largest share of exposures that one id has; ok up to 5%.

    It takes 20 exposures of the id to fail. Below 100 exposures it cannot be told.
    """
    if exposures < MINIMUM_EXPOSURES:
        reason = (
            f"{format_count(exposures, 'exposure')} sent lately; {MINIMUM_EXPOSURES} are "
            "needed (serving a known user again is not stored)"
        )
        return ShareCheck(None, None, ONE_ID_SHARE, reason)
    share = exposures_of_id / exposures
    ok = share <= ONE_ID_SHARE or exposures_of_id < MINIMUM_EXPOSURES_OF_ID
    text = "of the latest exposures have the same anonymous_id"
    return ShareCheck(ok, share, ONE_ID_SHARE, _explain_share(share, text, ok=ok))


def _check_at_most(part: int, users: int, limit: float, text: str) -> ShareCheck:
    share = part / users if users else None
    ok = None if share is None else share <= limit
    return ShareCheck(ok, share, limit, _explain_share(share, text, ok=ok))


def _explain_share(share: float | None, text: str, *, ok: bool | None) -> str | None:
    if share is None:
        return "no users yet"
    return None if ok else f"{100 * share:.3g}% {text}"
