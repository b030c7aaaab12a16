"""Trainings in words: which version each published, and how much traffic it moved."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from django.db.models import Q

from levered_site.admin import html
from models_app import version_history
from models_app.admin import html_tables
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin.history_page.entry import Span, StreamEntry
from optimizations.admin.numbered_variants import find_name
from optimizations.models import Optimization

Cause = PolicyVersion.Cause
TITLES: Final[Mapping[str, str]] = {
    Cause.START: "Policy version {number} began to serve: nothing learned yet",
    Cause.TRAINING: "A training published policy version {number}",
    Cause.VARIANTS: "Policy version {number} has new shares: other variants are served",
}
UNPUBLISHED: Final[Mapping[str, str]] = {
    TrainingRun.Status.QUEUED: "A training waits for a worker",
    TrainingRun.Status.RUNNING: "A training is running",
    TrainingRun.Status.SUCCEEDED: "A training ended without a version",
    TrainingRun.Status.FAILED: "A training failed",
    TrainingRun.Status.CANCELLED: "A training was cancelled",
}
SMALLEST_SHARE = 0.0005  # of the traffic that is worth a word: 0.05 %
MAX_ERROR = 400


def load_versions(
    optimization: Optimization, span: Span, names: Sequence[str]
) -> list[StreamEntry]:
    """Return the newest policy versions of the span, each against the one before."""
    rows = version_history.select_versions(optimization.model)
    if span.before is not None:
        rows = rows.filter(created_at__lt=span.before)
    loaded = list(
        rows.select_related("training_run").order_by("-number")[: span.limit + 1]
    )
    entries = [
        _build_version(version, before, names)
        for version, before in pairwise([*loaded, None])
        if version is not None
    ]
    return entries[: span.limit]


def load_unpublished(optimization: Optimization, span: Span) -> list[StreamEntry]:
    """Return the newest trainings of the span that published nothing."""
    wanted = Q(policy_version=None)
    if span.before is not None:
        wanted &= Q(created_at__lt=span.before)
    runs = optimization.model.training_runs.filter(wanted)
    newest = runs.order_by("-created_at", "-id")[: span.limit]
    return [
        StreamEntry(
            kind="training",
            at=run.created_at,
            title=UNPUBLISHED[run.status],
            code=run.status,
            sentences=list(filter(None, [run.error[:MAX_ERROR]])),
            actor=run.requested_by,
            url=html.build_row_url(TrainingRun, run.pk),
            is_failed=run.status == TrainingRun.Status.FAILED,
        )
        for run in newest
    ]


def _build_version(
    version: Any, before: Any | None, names: Sequence[str]
) -> StreamEntry:
    run = version.training_run
    return StreamEntry(
        kind="training",
        at=version.created_at,
        title=TITLES[version.cause].format(number=version.number),
        code=version.cause,
        sentences=[
            *([] if before is None else [describe_move(version, before, names)]),
            *([] if run is None else _describe_run(run)),
        ],
        actor="" if run is None else run.requested_by,
        url=html.build_row_url(PolicyVersion, version.pk),
    )


def describe_move(version: Any, before: Any, names: Sequence[str]) -> str:
    """Return how much of the optimized traffic another variant gets than before."""
    new = version_history.build_figures(version).weights
    old = version_history.build_figures(before).weights
    moves = {
        number: new.get(number, 0.0) - old.get(number, 0.0)
        for number in sorted(new.keys() | old.keys())
    }
    total = sum(map(abs, moves.values())) / 2
    if total < SMALLEST_SHARE:
        return "No traffic moved: the shares are those of the version before."
    up = max(moves, key=lambda number: moves[number])
    down = min(moves, key=lambda number: moves[number])
    shares = ", ".join(
        f"{find_name(names, number)} {_format_share(old.get(number, 0.0))} → "
        f"{_format_share(new.get(number, 0.0))}"
        for number in (up, down)
    )
    return f"{_format_share(total)} of the optimized traffic moved, most: {shares}."


def _describe_run(run: TrainingRun) -> list[str]:
    read = "" if run.rows_read is None else f"{run.rows_read:,} rows read, "
    return [f"{read}{html_tables.format_seconds(run)}.", *run.notes]


def _format_share(share: float) -> str:
    return f"{100 * share:.1f}{html.NO_BREAK_SPACE}%"
