"""Small pieces of HTML that the staff pages are made of. Everything given is escaped."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

NO_VALUE = "—"
# Unfold's colours for a status, wherever it is shown.
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
    "active": "success",
    "revoked": "danger",
    "enabled": "success",
    "disabled": "warning",
    "excluded": "",
    "admin": "primary",
    "member": "",
    "bool": "",
    "numeric": "info",
    "outcomes": "primary",
}


def render_link(target: Model | None, text: object = None) -> SafeString | str:
    """A link to the page of `target`; its name where no text is given."""
    if target is None:
        return NO_VALUE
    return render_row_link(
        target.__class__, target.pk, target if text is None else text
    )


def render_row_link(model: type[Model], pk: Any, text: object) -> SafeString:
    """A link to the page of the row `pk`, without reading it."""
    options = model._meta  # noqa: SLF001  (Django's documented API in spite of its name)
    path = reverse(
        f"admin:{options.app_label}_{options.model_name}_change", args=[quote(pk)]
    )
    return format_html('<a class="text-link" href="{}">{}</a>', path, text)


def render_list_link(model: type[Model], text: object, **filters: object) -> SafeString:
    """A link to the list of `model`, filtered."""
    return format_html(
        '<a class="text-link" href="{}">{}</a>', build_list_url(model, **filters), text
    )


def build_list_url(model: type[Model], **filters: object) -> str:
    """Where the list of `model` is, filtered."""
    options = model._meta  # noqa: SLF001 - Django's documented API
    return reverse(
        f"admin:{options.app_label}_{options.model_name}_changelist",
        query={name: str(value) for name, value in filters.items()},
    )


def render_code(text: object) -> SafeString:
    """Text as a machine reads it: keys, ids, SQL."""
    return format_html('<code class="staff-code">{}</code>', text)


def render_code_block(text: object) -> SafeString:
    """Several lines as a machine reads them."""
    return format_html('<pre class="staff-block">{}</pre>', text)


def render_json(value: object) -> SafeString:
    """JSON, indented."""
    return render_code_block(
        json.dumps(value, indent=2, ensure_ascii=False, default=str)
    )


def render_pill(text: object, colour: str | None = None) -> SafeString:
    """A status as a coloured mark; the colour by the text unless given."""
    shade = STATUS_COLORS.get(str(text), "") if colour is None else colour
    return format_html('<span class="staff-pill staff-{}">{}</span>', shade, text)


def render_table(
    headers: Sequence[object], rows: Iterable[Sequence[object]]
) -> SafeString:
    """A small table; texts left, figures as they come."""
    head = format_html_join("", "<th>{}</th>", ((header,) for header in headers))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ((format_html_join("", "<td>{}</td>", ((c,) for c in row)),) for row in rows),
    )
    return format_html(
        '<div class="staff-scroll"><table class="staff-table"><thead><tr>{}</tr>'
        "</thead><tbody>{}</tbody></table></div>",
        head,
        body,
    )


def render_share_bar(share: float) -> SafeString:
    """A share between 0 and 1 as a bar with its percentage."""
    percent = round(100 * min(1.0, max(0.0, share)), 1)
    return format_html(
        '<span class="staff-share"><span class="staff-bar">'
        '<span style="width: {}%"></span></span> {}%</span>',
        f"{percent:.1f}",
        f"{percent:.1f}",
    )


def format_number(value: float | None, digits: int = 4) -> str:
    """A number to read: significant digits, thousands apart; a dash for none."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}g}"


def format_percent(value: float | None, *, signed: bool = False) -> str:
    """A percentage to read, as `8.2 %`; a dash for none."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    return f"{value:+.1f} %" if signed else f"{value:.2f} %"


def format_interval(
    limits: Sequence[float | None] | None, *, signed: bool = False
) -> str:
    """Two percentages to read; a dash for none."""
    if not limits or any(limit is None for limit in limits):
        return NO_VALUE
    low, high = limits
    return (
        f"{format_percent(low, signed=signed)} to {format_percent(high, signed=signed)}"
    )
