"""How long policy versions are kept: a replaced one loses its figures, then its table."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from levered_site.database import fetch_rows
from models_app.models import PolicyVersion, TrainingRun
from optimizations.cube import storage
from optimizations.cube.cell_columns import NO_VERSION
from optimizations.models import CandidateTable, CubeDay

# Clients may decide by a policy that has just been replaced, for a day, and receipts are
# dropped by whole days.
RECEIPT_MARGIN = timedelta(days=2)
RUNS_AT_ONCE = 10_000

# What nothing replaced: the versions that serve, that were trained last, and that each model
# started with. A version is replaced when the next one is made.
IS_REPLACED = """v.number > 0 AND v.number <> m.policy_version
  AND EXISTS (
    SELECT FROM models_app_policyversion AS later
    WHERE later.model_id = v.model_id AND later.number > v.number
      AND later.created_at < %(replaced_before)s)
  AND (v.cause <> 'training' OR EXISTS (
    SELECT FROM models_app_policyversion AS trained
    WHERE trained.model_id = v.model_id AND trained.number > v.number
      AND trained.cause = 'training'))"""

# The report keeps its rows per variant: an evaluation compares with a policy without
# context, and computes that from them.
DROP_FIGURES = """
UPDATE models_app_policyversion AS v
SET prob_best = NULL, report = CASE WHEN v.report ? 'variants'
  THEN jsonb_build_object('variants', v.report -> 'variants') END
FROM models_app_banditmodel AS m
WHERE m.id = v.model_id AND v.prob_best IS NOT NULL AND {is_replaced}"""

# Only the newest table of a candidate can be promoted.
DROP_CANDIDATE_FIGURES = """
UPDATE optimizations_candidatetable AS t
SET prob_best = ''
WHERE length(t.prob_best) > 0 AND EXISTS (
  SELECT FROM optimizations_candidatetable AS later
  WHERE later.candidate_id = t.candidate_id AND later.number > t.number
    AND later.created_at < %(replaced_before)s)"""

SELECT_WITHOUT_RECEIPTS = """
SELECT v.id, v.model_id, v.number
FROM models_app_policyversion AS v
JOIN models_app_banditmodel AS m ON m.id = v.model_id
WHERE {is_replaced}"""


@dataclass(frozen=True, slots=True)
class PrunedVersions:
    """How many versions lost their figures, and how many versions and runs were deleted."""

    thinned: int
    deleted: int
    deleted_runs: int


def prune_versions(now: datetime | None = None) -> PrunedVersions:
    """Drop what nothing reads any more of the versions that others have replaced.

    The figures go POLICY_FIGURE_DAYS after a version was replaced. The version goes when
    its last receipt is past RETENTION_DAYS, unless counts name it, which an evaluation
    reads with its table. A training run goes then, too, if no version came from it.
    """
    now = now or timezone.now()
    figures_before = now - timedelta(days=settings.POLICY_FIGURE_DAYS)
    receipts_before = now - timedelta(days=settings.RETENTION_DAYS) - RECEIPT_MARGIN
    with connection.cursor() as cursor:
        parameters = {"replaced_before": figures_before}
        cursor.execute(DROP_CANDIDATE_FIGURES, parameters)
        cursor.execute(DROP_FIGURES.format(is_replaced=IS_REPLACED), parameters)
        thinned = cursor.rowcount
        cursor.execute(
            SELECT_WITHOUT_RECEIPTS.format(is_replaced=IS_REPLACED),
            {"replaced_before": receipts_before},
        )
        rows = fetch_rows(cursor)
    return PrunedVersions(
        thinned, _delete_uncounted(rows), _delete_runs(receipts_before)
    )


def _delete_uncounted(rows: Iterable[Any]) -> int:
    """Delete the versions that no stored count names; return how many."""
    ids_by_model: dict[UUID, dict[int, int]] = defaultdict(dict)
    for row in rows:
        ids_by_model[row.model_id][row.number] = row.id
    deleted = 0
    for model_id, ids in ids_by_model.items():
        counted = _load_counted_numbers(model_id)
        unneeded = [pk for number, pk in ids.items() if number not in counted]
        PolicyVersion.objects.filter(pk__in=unneeded).delete()
        deleted += len(unneeded)
    return deleted


def _delete_runs(before: datetime) -> int:
    """Delete runs that ended before, and that no version and no table came from."""
    runs = TrainingRun.objects.filter(finished_at__lt=before, versions=None).exclude(
        pk__in=CandidateTable.objects.values("training_run")
    )
    ids = list(runs.values_list("pk", flat=True)[:RUNS_AT_ONCE])
    TrainingRun.objects.filter(pk__in=ids).delete()
    return len(ids)


def _load_counted_numbers(model_id: UUID) -> set[int]:
    """Return the numbers of the versions that the counts of a model's users name."""
    days = CubeDay.objects.filter(optimization__model_id=model_id)
    numbers: set[int] = set()
    for day, data in days.values_list("day", "cells").iterator(chunk_size=20):
        stored = storage.decode_columns(day, data)
        if stored is not None:
            numbers.update(stored.cells.columns["policy_version"].tolist())
    return numbers - {NO_VERSION}
