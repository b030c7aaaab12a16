"""HTML fragments of the admin pages. Every argument is escaped."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from levered_site import number_texts

NO_VALUE = number_texts.NO_VALUE
NO_BREAK_SPACE = number_texts.NO_BREAK_SPACE
# Unfold's color of each status, level or type, wherever it is shown.
STATUS_COLORS = {
    "draft": "",
    "live": "success",
    "paused": "warning",
    "shipped": "primary",
    "completed": "info",
    "archived": "",
    "untrained": "",
    "training": "info",
    "trained": "success",
    "queued": "warning",
    "running": "info",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "",
    "ok": "success",
    "warning": "warning",
    "broken": "danger",
    "violated": "danger",
    "pending": "",
    "unknown": "warning",
    "active": "success",
    "expired": "warning",
    "revoked": "danger",
    "enabled": "success",
    "disabled": "warning",
    "excluded": "",
    "admin": "primary",
    "member": "",
    "owner": "primary",
    "editor": "info",
    "viewer": "",
    "bool": "",
    "numeric": "info",
    "outcomes": "primary",
}


def render_link(target: Model | None, text: object = None) -> SafeString | str:
    """Return a link to the page of `target`, titled `text` or its name."""
    if target is None:
        return NO_VALUE
    return render_row_link(
        target.__class__, target.pk, target if text is None else text
    )


def render_row_link(model: type[Model], pk: Any, text: object) -> SafeString:
    """Return a link to the page of the row `pk`, without reading the row."""
    return format_html(
        '<a class="text-link" href="{}">{}</a>', build_row_url(model, pk), text
    )


def build_row_url(model: type[Model], pk: Any) -> str:
    """Return the URL of the page of the row `pk`."""
    options = model._meta
    name = f"admin:{options.app_label}_{options.model_name}_change"
    return reverse(name, args=[quote(pk)])


def render_list_link(model: type[Model], text: object, **filters: object) -> SafeString:
    """Return a link to the filtered list of `model`."""
    return format_html(
        '<a class="text-link" href="{}">{}</a>', build_list_url(model, **filters), text
    )


def build_list_url(model: type[Model], **filters: object) -> str:
    """Return the URL of the filtered list of `model`."""
    options = model._meta
    return reverse(
        f"admin:{options.app_label}_{options.model_name}_changelist",
        query={name: str(value) for name, value in filters.items()},
    )


def render_charts(*charts: object) -> SafeString:
    """Return charts as markup, which a template would escape; None is no chart."""
    drawn = (chart for chart in charts if chart is not None)
    return format_html_join("", "{}", ((chart,) for chart in drawn))


def render_code(text: object) -> SafeString:
    """Return inline code: a key, an id, SQL."""
    return format_html('<code class="staff-code">{}</code>', text)


def render_unbroken(text: object) -> SafeString:
    """Return a text that stays in one line: a time."""
    return format_html('<span class="staff-unbroken">{}</span>', text)


def render_code_block(text: object) -> SafeString:
    """Return a code block of several lines."""
    return format_html('<pre class="staff-block" tabindex="0">{}</pre>', text)


def render_json(value: object) -> SafeString:
    """Return a value as a code block of indented JSON."""
    return render_code_block(
        json.dumps(value, indent=2, ensure_ascii=False, default=str)
    )


def render_pill(text: object, color: str | None = None) -> SafeString:
    """Return a colored status label; by default the text decides the color."""
    if color is None:
        color = STATUS_COLORS.get(str(text), "")
    return format_html('<span class="staff-pill staff-{}">{}</span>', color, text)


def render_table(
    headers: Sequence[object], rows: Iterable[Sequence[object]]
) -> SafeString:
    """Return a small table; on a narrow screen each row is a list of titled cells."""
    head = format_html_join("", "<th>{}</th>", ((header,) for header in headers))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        (
            (
                format_html_join(
                    "",
                    '<td data-label="{}">{}</td>',
                    zip(headers, row, strict=True),
                ),
            )
            for row in rows
        ),
    )
    return format_html(
        '<div class="staff-scroll" tabindex="0"><table class="staff-table"><thead><tr>{}</tr>'
        "</thead><tbody>{}</tbody></table></div>",
        head,
        body,
    )


def render_share_bar(share: float) -> SafeString:
    """Return a share between 0 and 1 as a bar with its percentage."""
    percent = round(100 * min(1.0, max(0.0, share)), 1)
    return format_html(
        '<span class="staff-share"><span class="staff-bar">'
        '<span style="width: {}%"></span></span> {}%</span>',
        f"{percent:.1f}",
        f"{percent:.1f}",
    )


def format_number(value: float | None, digits: int = 4) -> str:
    """Return a number with `digits` significant digits; a dash if not finite."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if isinstance(value, int) or float(value).is_integer():
        return number_texts.write_minus(f"{int(value):,}")
    return number_texts.format_significant(value, digits)


def format_percent(value: float | None, *, signed: bool = False) -> str:
    """Return a percentage as `8.20 %` or, signed, `+8.2 %`; a dash if not finite."""
    return number_texts.format_percent(value, signed=signed)


def format_interval(
    limits: Sequence[float | None] | None, *, signed: bool = False
) -> str:
    """Return two percentages as `1.00 % to 2.00 %`; a dash if a limit is missing."""
    if not limits or any(limit is None for limit in limits):
        return NO_VALUE
    low, high = limits
    return (
        f"{format_percent(low, signed=signed)} to {format_percent(high, signed=signed)}"
    )
