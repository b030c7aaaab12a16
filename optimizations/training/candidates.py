"""The candidate of an optimization: set it, keep its tables, put it in the live one's place."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db import transaction

from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    InvalidParametersError,
    NotFoundError,
)
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from models_app import allocation_bytes, runs, versions
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.models import TrainingRun
from optimizations.configuration import create_update
from optimizations.models import Candidate, CandidateTable, Optimization
from optimizations.serving import snapshot_store

Json = dict[str, Any]
Status = Optimization.Status
TRAINING_SETTINGS = ("allocation", "exploration_share", "ignored_context_factors")
NO_CANDIDATE_TABLE = "no training has made a table of it yet"
REPLACEMENT_FORBIDDEN = (
    "Only an admin of the organization may replace a candidate that was trained: its "
    "tables are deleted."
)


def load_candidate(optimization: Optimization) -> Candidate:
    """Return the candidate. Raises NotFoundError where there is none."""
    candidate = Candidate.objects.filter(optimization=optimization).first()
    if candidate is None:
        raise NotFoundError("This optimization has no candidate.")
    return candidate


@transaction.atomic
def set_candidate(
    optimization: Optimization,
    fields: Mapping[str, Any],
    actor: Actor,
    *,
    may_discard: bool = True,
) -> tuple[Candidate, bool]:
    """Set the candidate, and tell whether it is a new one.

    What `fields` do not name is as the live model has it. One that is set otherwise
    is replaced, with its tables: what it would have done is another's past.

    Raises ConflictError unless live or paused; InvalidParametersError for a context factor
    that is none, and for settings in which nothing differs from the live model's;
    ForbiddenError where tables would be lost to somebody who may not discard them.
    """
    optimization = create_update.lock_optimization(optimization)
    _require_live_or_paused(optimization)
    live = read_training_settings(optimization)
    wanted = live | dict(fields)
    wanted["ignored_context_factors"] = _validate_ignored_factors(optimization, wanted)
    if wanted == live:
        raise InvalidParametersError.for_field(
            "allocation", "something must differ from how the optimization learns"
        )
    known = Candidate.objects.filter(optimization=optimization).first()
    if known is not None and read_training_settings(known) == wanted:
        return known, False
    changes = wanted
    if known is not None:
        if not may_discard and known.tables.exists():
            raise ForbiddenError(REPLACEMENT_FORBIDDEN)
        changes = wanted | {"replaced": read_training_settings(known)}
        known.delete()
    candidate = Candidate.objects.create(optimization=optimization, **wanted)
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, "candidate.put", optimization, changes)
    return candidate, True


@transaction.atomic
def discard_candidate(optimization: Optimization, actor: Actor) -> None:
    """Delete the candidate and its tables. Raises NotFoundError where there is none."""
    optimization = create_update.lock_optimization(optimization)
    candidate = load_candidate(optimization)
    changes = read_training_settings(candidate)
    candidate.delete()
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, "candidate.discard", optimization, changes)


@transaction.atomic
def promote_candidate(optimization: Optimization, actor: Actor) -> Optimization:
    """Let the candidate's newest table serve, and the optimization learn its way.

    All or nothing. A training under way is cancelled: it learns the old way.

    Raises NotFoundError without a candidate, ConflictError unless live or paused,
    before any training has made a table of it, and where the last one could not.
    """
    optimization = create_update.lock_optimization(optimization)
    candidate = load_candidate(optimization)
    _require_live_or_paused(optimization)
    newest = find_newest_table(candidate)
    if newest is None or candidate.report is None:
        raise ConflictError(f"The candidate cannot serve: {NO_CANDIDATE_TABLE}.")
    if candidate.error:
        raise ConflictError(
            "The candidate cannot serve: the last training made no table of it "
            f"({candidate.error})."
        )
    for run in optimization.model.training_runs.filter(status__in=runs.OPEN_STATUSES):
        with suppress(ConflictError):  # it ended meanwhile
            runs.cancel_run(run)
    before, after = (
        read_training_settings(optimization),
        read_training_settings(candidate),
    )
    for name, value in after.items():
        setattr(optimization, name, value)
    optimization.save(update_fields=[*TRAINING_SETTINGS, "updated_at"])
    _publish_table(optimization, newest, candidate.report)
    changes: Json = {name: [before[name], after[name]] for name in TRAINING_SETTINGS}
    changes["policy_version"] = optimization.model.policy_version
    candidate.delete()
    snapshot_store.publish_on_commit(optimization.pk)
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, "candidate.promote", optimization, changes)
    return optimization


def _publish_table(
    optimization: Optimization, table: CandidateTable, report: Json
) -> None:
    model, servable = optimization.model, optimization.servable()
    learned = unpack_table(table)
    versions.publish_trained(model, table.training_run, learned, table.enabled, report)
    if servable != table.enabled:
        share = optimization.exploration_share
        versions.publish_enabled(model, servable, exploration_share=share)


def read_training_settings(whose: Optimization | Candidate) -> Json:
    """Return by name what learning goes by."""
    return {name: getattr(whose, name) for name in TRAINING_SETTINGS}


def build_identity(candidate: Candidate) -> Json:
    """Return what makes it this candidate and no other."""
    return read_training_settings(candidate) | {"created_at": candidate.created_at}


def find_newest_table(candidate: Candidate) -> CandidateTable | None:
    """Return the newest table, where a training made one."""
    return candidate.tables.order_by("-number").first()


def unpack_table(table: CandidateTable) -> CompiledPolicy:
    """Return the table that was kept."""
    shape = table.segments, table.variants
    return CompiledPolicy(
        allocation_bytes.unpack_table(table.probabilities, *shape),
        allocation_bytes.unpack_table(table.prob_best, *shape),
    )


def store_table(
    candidate: Candidate,
    number: int,
    run: TrainingRun,
    learned: CompiledPolicy,
    enabled: list[int],
) -> None:
    """Keep what a training made of it beside policy version `number`."""
    segments, variants = learned.probabilities.shape
    candidate.tables.create(
        number=number,
        training_run=run,
        probabilities=allocation_bytes.pack_table(learned.probabilities),
        prob_best=allocation_bytes.pack_table(learned.prob_best),
        segments=segments,
        variants=variants,
        enabled=enabled,
    )


def _require_live_or_paused(optimization: Optimization) -> None:
    if optimization.status not in {Status.LIVE, Status.PAUSED}:
        raise ConflictError(
            "A candidate is for an optimization that is live or paused; this one is "
            f"{optimization.status}."
        )


def _validate_ignored_factors(
    optimization: Optimization, wanted: Mapping[str, Any]
) -> list[str]:
    """Return the names of ignored context factors, in the model's order, each once."""
    names = [factor.name for factor in optimization.model.design.contexts]
    for place, name in enumerate(wanted["ignored_context_factors"]):
        if name not in names:
            raise InvalidParametersError.for_field(
                f"ignored_context_factors[{place}]",
                f"is no context factor; there are {', '.join(names) or 'none'}",
            )
    return [name for name in names if name in wanted["ignored_context_factors"]]
