"""Variants as cards and table rows show them: every figure with its interval, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.http import urlencode
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.admin.row_urls import build_row_url
from levered_site.charts.intervals import build_range_bar
from levered_site.charts.scales import find_range
from levered_site.number_texts import NO_BREAK_SPACE, NO_VALUE
from optimizations.admin import screenshot_upload
from optimizations.admin.variant_page.rows import BASELINE, STATE_COLORS, VariantRow
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import VariantResult

TOGGLES = {
    True: ("disable", "Disable", "toggle_off"),
    False: ("enable", "Enable", "toggle_on"),
}


@dataclass(frozen=True, slots=True)
class Pill:
    """A label with a color of Unfold."""

    text: str
    color: str


@dataclass(frozen=True, slots=True)
class Share:
    """A share in words, and in percent as a bar is wide."""

    text: str
    percent: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Belief:
    """What a variant is believed to earn: mean and interval in words, and as a bar."""

    mean: str
    interval: str
    bar: SafeString


@dataclass(frozen=True, slots=True)
class Toggle:
    """The dialog that enables or disables a variant, as the head shows actions."""

    title: str
    icon: str
    url: str
    color: str = "default"
    opens_dialog: bool = True


@dataclass(frozen=True, slots=True)
class VariantView:
    """A variant on the page; figures are None where there are none."""

    row: VariantRow
    url: str
    picture_url: str
    thumbnail_url: str
    upload_url: str
    pills: Sequence[Pill]
    traffic: Share | None
    best: Share | None
    belief: Belief | None
    users: str
    rewarded: str
    measured: str
    toggle: Toggle | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What all variants of a page share.

    Attributes
    ----------
    reward_type: of the reward metric.
    is_less_better: whether a smaller reward is a better one.
    ends: of the scale of all beliefs.
    held_out: measured mean of the holdout, or None.
    holdout_percentage: of users, who get the baseline, too; 0 while nobody is held out.
    may_change: whether the user may change variants.
    may_toggle: whether variants may be enabled and disabled now, too.
    opener: the address that a dialog leads back to.

    """

    reward_type: str
    is_less_better: bool
    ends: tuple[float, float]
    held_out: float | None
    holdout_percentage: float
    may_change: bool
    may_toggle: bool
    opener: str


def find_ends(results: Results | None) -> tuple[float, float]:
    """Return the ends of a scale that holds all beliefs and the holdout."""
    if results is None:
        return 0.0, 1.0
    held_out = results.primary_metric_vs_holdout.holdout_rate
    values = [
        end
        for row in results.variants
        for end in (row.expected_reward_lo, row.expected_reward_hi)
        if end is not None
    ]
    return find_range([*values, *([] if held_out is None else [held_out])])


def build_view(row: VariantRow, frame: Frame) -> VariantView:
    """Return a variant as the page shows it."""
    result = row.result
    upload = ""
    if frame.may_change:
        upload = build_row_url(screenshot_upload.ROUTE, row.variant.pk)
    return VariantView(
        row=row,
        url=build_row_url("admin:optimizations_variant_change", row.variant.pk),
        picture_url=screenshot_upload.build_picture_url(row.variant)
        if row.has_screenshot
        else "",
        thumbnail_url=screenshot_upload.build_thumbnail_url(row.variant)
        if row.has_screenshot
        else "",
        upload_url=upload,
        pills=_list_pills(row),
        traffic=_build_traffic(row, frame),
        best=_build_share(result.prob_best) if result else None,
        belief=_build_belief(row, result, frame) if result else None,
        users=f"{result.users:,}" if result else "",
        rewarded=f"{result.rewarded_users:,}" if result else "",
        measured=_describe_measured(result, frame.reward_type) if result else "",
        toggle=_build_toggle(row, frame),
    )


def _list_pills(row: VariantRow) -> list[Pill]:
    pills = [Pill("leader", "primary")] if row.is_leader else []
    if row.number == BASELINE:
        pills.append(Pill("baseline", "info"))
    return [*pills, Pill(row.state, STATE_COLORS[row.state])]


def _build_share(share: float | None) -> Share | None:
    if share is None:
        return None
    return Share(_format_share(share), round(100 * share, 1))


def _format_share(share: float) -> str:
    percent = 100 * share
    if 0 < percent < 0.1:
        return f"below 0.1{NO_BREAK_SPACE}%"
    return f"{percent:.1f}{NO_BREAK_SPACE}%"


def _build_traffic(row: VariantRow, frame: Frame) -> Share | None:
    share = _build_share(row.result.weight) if row.result else None
    if share is None or row.number != BASELINE or not frame.holdout_percentage:
        return share
    note = describe_held_out(frame.holdout_percentage)
    return Share(share.text, share.percent, note)


def describe_held_out(percentage: float) -> str:
    """Return what the baseline gets beside its share of optimized traffic."""
    return f"and the {percentage:g}{NO_BREAK_SPACE}% held out"


def format_reward(value: float, reward_type: str) -> str:
    """Return a mean reward: of conversions as a percentage."""
    if reward_type == "bool":
        return html.format_percent(100 * value)
    return html.format_number(value, 3)


def _build_belief(
    row: VariantRow, result: VariantResult, frame: Frame
) -> Belief | None:
    mean, low, high = (
        result.expected_reward_mean,
        result.expected_reward_lo,
        result.expected_reward_hi,
    )
    if mean is None or low is None or high is None:
        return None
    kind = frame.reward_type
    text, low_text, high_text = (
        format_reward(each, kind) for each in (mean, low, high)
    )
    title = f"{text}, 95% {low_text} to {high_text}"
    if frame.held_out is not None:
        title += f"; the holdout: {format_reward(frame.held_out, kind)}"
    bar = build_range_bar(
        f"belief-{row.number}", title, (low, high), mean, frame.ends, frame.held_out
    )
    drawn = html.render_charts(bar)
    return Belief(text, f"{low_text} to {high_text}", drawn)


def _describe_measured(result: VariantResult, reward_type: str) -> str:
    """Return what was counted; of conversions the two counts, which need no interval."""
    if not result.mature_users or result.mean_reward is None:
        return NO_VALUE
    users = f"{result.mature_users:,}"
    if reward_type == "bool":
        return f"{result.mature_conversions:,} of {users}"
    return f"{html.format_number(result.mean_reward, 3)} ({users} users)"


def _build_toggle(row: VariantRow, frame: Frame) -> Toggle | None:
    if not frame.may_toggle or row.number == BASELINE or row.variant.excluded:
        return None
    name, title, icon = TOGGLES[row.variant.enabled]
    path = build_row_url(f"admin:optimizations_variant_do_{name}", row.variant.pk)
    return Toggle(title, icon, f"{path}?{urlencode({'next': frame.opener})}")
