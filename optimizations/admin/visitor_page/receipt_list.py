"""The latest receipts of an optimization, page by page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from psycopg.errors import QueryCanceled

from levered_site.admin.partitioned import EPOCH, MAX_BIGINT, MICROSECOND
from optimizations.admin.numbered_variants import find_name, list_variant_names
from optimizations.admin.visitor_page import links, reasons
from optimizations.admin.visitor_page.receipt_filter import (
    ReceiptFilter,
    apply_filter,
    read_contexts,
)
from optimizations.models import Decision, Optimization

PAGE_SIZE: Final = 50
MAX_DOWNLOADED: Final = 5_000
STATEMENT_TIMEOUT_MILLISECONDS: Final = 8_000
TOO_SLOW: Final = (
    "Finding these decisions takes too long. Look up one visitor by id, or choose a variant "
    "or context that more of the latest visitors have."
)


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt as the list shows it."""

    at: datetime
    anonymous_id: str
    url: str
    variant: str
    in_holdout: bool
    redraw: int
    policy_version: int
    why: str
    context: str


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A page of receipts; `next_before` is where the next one begins, "" on the last.

    `problem` is why none can be shown.
    """

    rows: Sequence[ReceiptRow]
    next_before: str
    problem: str = ""


def load_page(
    optimization: Optimization, wanted: ReceiptFilter, before: str
) -> ReceiptPage:
    """Return the receipts of a page, the newest first."""
    receipts = load_receipts(optimization, wanted, PAGE_SIZE + 1, before)
    if receipts is None:
        return ReceiptPage([], "", TOO_SLOW)
    shown = receipts[:PAGE_SIZE]
    names = list_variant_names(optimization)
    return ReceiptPage(
        rows=[_build_row(optimization, receipt, names) for receipt in shown],
        next_before=_write_position(shown[-1]) if len(receipts) > PAGE_SIZE else "",
    )


def load_receipts(
    optimization: Optimization, wanted: ReceiptFilter, limit: int, before: str = ""
) -> list[Decision] | None:
    """Return the newest receipts before a position; None if that takes over 8 s."""
    own = Decision.objects.filter(
        _read_position(before), optimization_id=optimization.pk
    )
    kept = apply_filter(own, wanted, read_contexts(optimization))
    rows = kept.order_by("-decided_at", "-id")[:limit]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"
            )
            return list(rows)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return None


def _build_row(
    optimization: Optimization, receipt: Decision, names: Sequence[str]
) -> ReceiptRow:
    return ReceiptRow(
        at=receipt.decided_at,
        anonymous_id=receipt.anonymous_id,
        url=links.build_visitor_url(optimization, receipt.anonymous_id),
        variant=find_name(names, receipt.variant_number),
        in_holdout=receipt.in_holdout,
        redraw=receipt.redraw,
        policy_version=receipt.policy_version,
        why=reasons.summarize(receipt),
        context=links.describe_context(reasons.read_context(receipt)),
    )


def _write_position(receipt: Decision) -> str:
    return f"{(receipt.decided_at - EPOCH) // MICROSECOND}-{receipt.pk}"


def _read_position(text: str) -> Q:
    """Return the condition of what follows a position; what nobody can read is none."""
    match = re.fullmatch(r"(\d{1,17})-(\d{1,19})", text)
    if match is None or int(match[2]) > MAX_BIGINT:
        return Q()
    try:
        moment = EPOCH + int(match[1]) * MICROSECOND
    except OverflowError:
        return Q()
    is_before = Q(decided_at__lt=moment) | Q(decided_at=moment, id__lt=int(match[2]))
    # By this one Postgres leaves out the partitions of later days.
    return is_before & Q(decided_at__lte=moment)
