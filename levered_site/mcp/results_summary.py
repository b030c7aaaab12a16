"""Summary of a results document: one sentence, and the figures behind it."""

from collections.abc import Mapping

from levered_site.mcp.rest_api import Json

LEADING_VARIANT_FIELDS = (
    "number",
    "variant",
    "users",
    "mature_users",
    "rewarded_users",
    "user_rate",
    "mean_reward",
    "weight",
    "prob_best",
)
MAX_LEADING_VARIANTS = 3
COMPANION_WORDS = {
    "capped_revenue": "revenue capped at {cap:g} per user",
    "payer_rate": "share of users who paid",
    "typical_payment": "typical payment",
}
CLAIM_ERROR = 0.05
# With only these nothing is wrong yet: there is nothing to warn of.
NOTHING_YET_CODES = frozenset({"not_counted", "no_users", "no_mature_users"})
# The reasons are in `figures.health`, too: a sentence with all of them would double them.
MAX_MESSAGES_LENGTH = 200


def describe_lift(results: Json) -> str:
    """Return the measured lift with its interval, or the reason why there is none.

    What is wrong with the figures comes first. Where there is no percentage, the difference
    stands in its place; for amounts, what changed beside the mean follows.
    """
    warning = describe_health(results["health"])
    measured = results["primary_metric_vs_holdout"]
    reason = results["unavailable"].get(
        "primary_metric_vs_holdout.lift_percent", "nothing was counted"
    )
    if not measured:
        return f"{warning}No measured lift yet: {reason}"
    users = measured["optimization_exposures"] + measured["holdout_exposures"]
    if measured["lift_percent"] is not None:
        figure = (
            f"measured lift {measured['lift_percent']:+.1f}% over the holdout, "
            f"{_describe_interval(measured)}, {users} users"
        )
    elif measured.get("p_value_anytime") is not None:
        no_interval = results["unavailable"].get(
            "primary_metric_vs_holdout.difference_ci_anytime", "not bounded"
        )
        figure = (
            f"measured difference {measured['difference']:+.4g} per user against the "
            f"holdout, {_describe_difference(measured, no_interval)}, "
            f"{users} users; no percentage: {reason}"
        )
    else:
        return f"{warning}No measured lift yet: {reason}{_describe_change(measured)}"
    return f"{warning}{measured['metric_name']}: {figure}{_describe_change(measured)}"


def describe_leader(stats: Json, reasons: Mapping[str, str]) -> str:
    """Return which variant leads by the model, or the reason why none is named."""
    number, percent = stats["best_variant"], stats["best_vs_baseline_percent"]
    if number is None:
        reason = reasons.get("stats.best_variant", "nothing was learned yet")
        return f"no leader: {reason}"
    if percent is None:
        reason = reasons.get("stats.best_vs_baseline_percent", "no comparison")
        return f"variant {number} leads by the model ({reason})"
    return f"variant {number} leads by the model, {percent:+.1f}% over the baseline"


def describe_health(health: Json | None) -> str:
    """Return what is wrong with the figures, as sentences with a space at their end."""
    if not health or health["status"] == "ok":
        return ""
    told, *others = health["reasons"]
    messages: str = told["message"]
    while others and len(messages) + len(others[0]["message"]) < MAX_MESSAGES_LENGTH:
        messages += f" {others.pop(0)['message']}"
    if others:
        codes = ", ".join(reason["code"] for reason in others)
        messages += f" And {len(others)} more in figures.health (whole in view: regimes): {codes}."
    if is_nothing_yet(health):
        return f"{messages} "
    is_broken = health["status"] == "broken"
    verdict = "The figures cannot be trusted" if is_broken else "Warning"
    return f"{verdict}: {messages} "


def is_nothing_yet(health: Json) -> bool:
    """Return whether the health speaks of nothing but counts that are still to come."""
    return {reason["code"] for reason in health["reasons"]} <= NOTHING_YET_CODES


def point_to_health(health: Json | None) -> str:
    """Return one sentence, with a space at its end, unless the figures are fine."""
    if not health or health["status"] == "ok":
        return ""
    codes = ", ".join(reason["code"] for reason in health["reasons"])
    return f"Health is {health['status']} ({codes}): read figures.health first. "


def select_figures(results: Json) -> Json:
    """Return the figures of a summary; checks that pass are shortened to "ok"."""
    measured = results["primary_metric_vs_holdout"]
    leading = sorted(results["variants"], key=lambda row: -(row["weight"] or 0))
    return {
        "as_of": results["as_of"],
        "health": results["health"],
        "notes": results["notes"],
        "measured": _drop_regimes(measured) if measured else None,
        "worth": _select_known(results["worth"]),
        "even_split": _select_known(results["even_split"]),
        "modeled": results["stats"],
        "checks": {
            name: check if _is_failing(check) or check is None else "ok"
            for name, check in results["checks"].items()
        },
        "leading_variants": [
            {name: row[name] for name in LEADING_VARIANT_FIELDS}
            for row in leading[:MAX_LEADING_VARIANTS]
        ],
        "unavailable": _merge_reasons(
            {
                field: reason
                for field, reason in results["unavailable"].items()
                if "]." not in field  # reasons of rows are in the views of those rows
            }
        ),
    }


def _select_known(figures: Json) -> Json:
    """Return the figures that there are: the reasons of the others stand elsewhere."""
    return {
        name: value
        for name, value in figures.items()
        if value is not None and name != "unavailable"
    }


def _merge_reasons(unavailable: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons; figures of one object that share theirs have one of the object."""
    siblings: dict[str, dict[str, str]] = {}
    for name, reason in unavailable.items():
        siblings.setdefault(name.rpartition(".")[0], {})[name] = reason
    merged: dict[str, str] = {}
    for parent, reasons in siblings.items():
        is_shared = len(reasons) > 1 and len(set(reasons.values())) == 1
        if parent and is_shared and parent not in unavailable:
            merged[parent] = next(iter(reasons.values()))
        else:
            merged |= reasons
    return merged


def _is_failing(check: Json | None) -> bool:
    return check is not None and check.get("ok") is False


def _describe_interval(measured: Json) -> str:
    for name, validity in (
        ("lift_ci_anytime", "95% at any number of looks"),
        ("lift_ci", "95% at one look"),
    ):
        if measured[name] is not None:
            low, high = measured[name]
            return f"{low:+.1f}% to {high:+.1f}% ({validity})"
    return "interval withheld"


def _describe_difference(measured: Json, no_interval: str) -> str:
    interval = measured["difference_ci_anytime"]
    if interval is None:
        return f"interval withheld ({no_interval})"
    low, high = ("no bound" if end is None else f"{end:+.4g}" for end in interval)
    return f"{low} to {high} (95% at any number of looks)"


def _describe_change(measured: Json) -> str:
    """Return what changed of the amounts, if their companions show any change."""
    changed = measured.get("changed")
    if not changed or (changed["p_value_anytime"] or 1) > CLAIM_ERROR:
        return ""
    parts = []
    for name, words in COMPANION_WORDS.items():
        companion = measured["companions"][name]
        low, high = companion["lift_ci_anytime"] or (0, 0)
        if low > 0 or high < 0:
            text = words.format(cap=measured["cap"] or 0)
            parts.append(
                f"{text} {companion['lift_percent']:+.1f}% ({low:+.1f}% to {high:+.1f}%)"
            )
    if not parts:
        return ""
    level = measured["companions"]["payer_rate"]["level"]
    return (
        f". Revenue has changed: {', '.join(parts)} (each interval {level:.1%} at any "
        "number of looks)"
    )


def _drop_regimes(measured: Json) -> Json:
    return {name: value for name, value in measured.items() if name != "regimes"}
