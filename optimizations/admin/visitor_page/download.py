"""Receipts, and the steps of one visitor, as CSV."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.http import HttpResponse

from levered_site.admin import csv_download
from levered_site.api.csv_tables import CsvTable
from optimizations import factors
from optimizations.admin.visitor_page import reasons, receipt_list
from optimizations.admin.visitor_page.receipt_filter import ReceiptFilter
from optimizations.admin.visitor_page.visitor import VisitorView
from optimizations.models import Decision, Optimization

COLUMNS = (
    *("decided_at", "anonymous_id", "variant_number", "variant_key", "arm"),
    *("policy_version", "propensity", "redraw"),
)
STEP_COLUMNS = ("at", "kind", "what", "why", "facts")


def build_receipts(optimization: Optimization, wanted: ReceiptFilter) -> HttpResponse:
    """Return the newest 5,000 receipts of the filter as a file."""
    receipts = receipt_list.load_receipts(
        optimization, wanted, receipt_list.MAX_DOWNLOADED
    )
    config = optimization.model.training_data_config
    contexts = [factor.name for factor in factors.parse_context_factors(config)]
    table = CsvTable(
        [*COLUMNS, *(f"context.{name}" for name in contexts)],
        [_build_row(receipt, contexts) for receipt in receipts or ()],
        withheld=None if receipts is not None else receipt_list.TOO_SLOW,
    )
    return csv_download.build_download(table, str(optimization.pk)[:8], "decisions")


def build_steps(optimization: Optimization, visitor: VisitorView) -> HttpResponse:
    """Return the steps of one visitor as a file."""
    rows = [
        (
            _format_moment(step.at),
            step.kind,
            step.title,
            " ".join(step.sentences),
            "; ".join(f"{name}: {value}" for name, value in step.facts),
        )
        for step in visitor.steps
    ]
    table = CsvTable(STEP_COLUMNS, rows)
    return csv_download.build_download(table, str(optimization.pk)[:8], "visitor")


def _build_row(receipt: Decision, contexts: Sequence[str]) -> list[object]:
    context = reasons.read_context(receipt)
    return [
        _format_moment(receipt.decided_at),
        receipt.anonymous_id,
        receipt.variant_number,
        receipt.variant,
        "holdout" if receipt.in_holdout else "optimized",
        receipt.policy_version,
        receipt.propensity,
        receipt.redraw,
        *(context.get(name) for name in contexts),
    ]


def _format_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
