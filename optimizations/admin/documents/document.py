"""The results of an optimization as one document, without controls and scripts.

It is made of what the tab Results is made of. The shared page and the report show it.
"""

from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from levered_site.admin import html
from optimizations.admin import guardrail_section, page_head
from optimizations.admin.documents import inlined_files, privacy, variant_rows
from optimizations.admin.result_page import evidence
from optimizations.admin.tabs import results
from optimizations.configuration import notes
from optimizations.models import Optimization
from optimizations.results.readings.full_results import FullResults

PICTURES: Final = 3  # screenshots of the variants most likely to be best


def build_document(optimization: Any, *, is_public: bool) -> dict[str, Any]:
    """Return what the template of a document shows.

    The optimization was read by `page_rows.load_page`. A public document is for people
    without an account: it has no notes of people and no texts of errors.
    """
    full = results.find_results(optimization)
    if full is not None and is_public:
        failures = [row.message for row in optimization.count_failures.all()]
        full = privacy.hide_internals(full, failures)
    facts = {
        "optimization": optimization,
        "organization": optimization.organization.name,
        "metric": page_head.describe_metric(optimization.reward_metric),
        "variants_count": optimization.last_number or 0,
        "as_of": full.results.as_of if full else None,
        "written_at": timezone.now(),
        "verdict": results.judge_results(optimization, full),
        "is_public": is_public,
        "icon": inlined_files.build_icon_uri(),
    }
    return facts if full is None else facts | _build_findings(optimization, full, facts)


def _build_findings(
    optimization: Optimization, full: FullResults, facts: dict[str, Any]
) -> dict[str, Any]:
    is_public = facts["is_public"]
    day_notes = () if is_public else notes.list_day_notes(optimization)
    metric = evidence.describe_metric(optimization.reward_metric)
    assert metric is not None  # one that was live has one
    ordered = variant_rows.order_variants(
        full.results.variants, is_less_better=metric.is_less_better
    )
    is_comparing = optimization.status == Optimization.Status.LIVE
    rows = variant_rows.list_rows(
        ordered,
        metric.reward_type,
        optimization.holdout_percentage if is_comparing else 0.0,
    )
    first = [row.number for row in rows[:PICTURES]]
    pictures = inlined_files.load_pictures(optimization, first)
    return {
        **results.build_parts(optimization, full, day_notes),
        # Without the table, which links to pages of the admin.
        "guardrails": html.render_charts(
            guardrail_section.draw_guardrails(full.guardrails)
        )
        if full.guardrails.guardrails
        else "",
        "notes": full.results.notes,
        "variants": variant_rows.split_rows(rows, ordered),
        "pictures": [
            (row, pictures[row.number])
            for row in rows[:PICTURES]
            if row.number in pictures
        ],
        "is_bool": metric.reward_type == "bool",
    }


def name_file(optimization: Optimization, moment: datetime) -> str:
    """Return a name for the report's file, of letters that every system takes."""
    words = "".join(
        letter if letter.isascii() and letter.isalnum() else " "
        for letter in optimization.name.lower()
    ).split()
    return "-".join([*words[:8], f"{moment:%Y-%m-%d}"]) + ".html"
