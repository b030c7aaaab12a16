"""Summary of a results document: one sentence, and the figures behind it."""

from levered_site.mcp.rest_api import Json

LEADING_VARIANT_FIELDS = (
    "number",
    "variant",
    "users",
    "user_rate",
    "weight",
    "prob_best",
)
MAX_LEADING_VARIANTS = 3


def describe_lift(results: Json) -> str:
    """Return the measured lift with its interval, or the reason why there is none.

    What is wrong with the figures comes first.
    """
    warning = describe_health(results["health"])
    measured = results["primary_metric_vs_holdout"]
    if not measured or measured["lift_percent"] is None:
        reasons = [
            reason
            for field, reason in results["unavailable"].items()
            if "lift_percent" in field
        ]
        return f"{warning}No measured lift yet: {[*reasons, 'nothing was counted'][0]}"
    users = measured["optimization_exposures"] + measured["holdout_exposures"]
    return (
        f"{warning}{measured['metric_name']}: measured lift "
        f"{measured['lift_percent']:+.1f}% over the holdout, {_describe_interval(measured)}, "
        f"{users} users"
    )


def describe_health(health: Json | None) -> str:
    """Return what is wrong with the figures, as sentences with a space at their end."""
    if not health or health["status"] == "ok":
        return ""
    messages = " ".join(reason["message"] for reason in health["reasons"])
    is_broken = health["status"] == "broken"
    verdict = "The figures cannot be trusted" if is_broken else "Warning"
    return f"{verdict}: {messages} "


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
        "modeled": results["stats"],
        "checks": {
            name: check if _is_failing(check) or check is None else "ok"
            for name, check in results["checks"].items()
        },
        "leading_variants": [
            {name: row[name] for name in LEADING_VARIANT_FIELDS}
            for row in leading[:MAX_LEADING_VARIANTS]
        ],
        "unavailable": {
            field: reason
            for field, reason in results["unavailable"].items()
            if "[" not in field  # reasons of rows are in the views of those rows
        },
    }


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


def _drop_regimes(measured: Json) -> Json:
    return {name: value for name, value in measured.items() if name != "regimes"}
