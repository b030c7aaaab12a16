"""The measured lift in the panel: its figure, and the companions of amounts."""

from collections.abc import Sequence

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.number_texts import format_significant
from optimizations.results.measured_amounts import CompanionResults
from optimizations.results.report import Results

RESULT = "primary_metric_vs_holdout"
ANY_LOOK = "95 %, however often one looks"


def build_figure(results: Results) -> tuple[str, str, str]:
    """Return title, value and note of the measured lift.

    Where there is no percentage, they are those of the difference per user.
    """
    measured, reasons = results.primary_metric_vs_holdout, results.unavailable
    # Wherever the arms were tested there is a difference, though maybe no bound of it.
    if measured.lift_percent is None and measured.p_value_anytime is not None:
        no_limits = reasons.get(f"{RESULT}.difference_ci_anytime", html.NO_VALUE)
        limits = format_limits(measured.difference_ci_anytime, no_limits)
        reason = reasons.get(f"{RESULT}.lift_percent", "")
        return (
            "Measured difference per user",
            format_difference(measured.difference),
            f"{ANY_LOOK}: {limits}; {reason}",
        )
    interval = html.format_interval(measured.lift_ci_anytime, signed=True)
    return (
        "Measured lift",
        html.format_percent(measured.lift_percent, signed=True),
        reasons.get(f"{RESULT}.lift_ci_anytime", "")
        if interval == html.NO_VALUE
        else f"{ANY_LOOK}: {interval}",
    )


def format_difference(difference: float | None) -> str:
    """Return a signed difference per user; a dash without one."""
    if difference is None:
        return html.NO_VALUE
    return format_significant(difference, sign="+")


def format_limits(limits: Sequence[float | None] | None, no_limits: str) -> str:
    """Return the ends of an interval of differences, which may be open, or `no_limits`."""
    if limits is None:
        return no_limits
    low, high = (
        "no bound" if end is None else format_difference(end) for end in limits
    )
    return f"{low} to {high}"


def render_companions(results: Results) -> SafeString | str:
    """Return a table of the companions; nothing unless the reward has amounts."""
    measured = results.primary_metric_vs_holdout
    companions, changed = measured.companions, measured.changed
    if companions is None or changed is None:
        return ""
    p_value = html.format_number(changed.p_value_anytime, 2)
    level = f"{companions.payer_rate.level:.1%}"
    return html.render_table(
        ("beside the mean", "lift", f"{level}, however often one looks"),
        (
            *_list_rows(results, companions),
            ("Has revenue changed in any of them?", f"p {p_value}", ""),
        ),
    )


def _list_rows(
    results: Results, companions: CompanionResults
) -> list[tuple[str, str, str]]:
    cap = results.primary_metric_vs_holdout.cap
    titles = {
        "capped_revenue": "Revenue per user"
        + (f", at most {html.format_number(cap)} of each" if cap else ", capped"),
        "payer_rate": "Share of users who paid",
        "typical_payment": "Typical payment of those who paid",
    }
    rows = []
    for name, title in titles.items():
        companion = getattr(companions, name)
        interval = html.format_interval(companion.lift_ci_anytime, signed=True)
        if interval == html.NO_VALUE:
            interval = results.unavailable.get(
                f"{RESULT}.companions.{name}.lift_ci_anytime", interval
            )
        lift = html.format_percent(companion.lift_percent, signed=True)
        rows.append((title, lift, interval))
    return rows
