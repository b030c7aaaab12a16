"""The candidate of an optimization: set, discard and promote it, and store its tables."""

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
from levered_site.near_names import suggest_name
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from models_app import allocation_bytes, runs, versions
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.models import StoredReport, TrainingRun
from optimizations.configuration import create_update
from optimizations.models import Candidate, CandidateTable, Optimization
from optimizations.serving import snapshot_store

Status = Optimization.Status
TRAINING_SETTINGS = ("allocation", "exploration_share", "ignored_context_factors")
NOTHING_DIFFERS = (
    "something must differ from the settings of the optimization: change at least one of "
    "allocation, exploration_share and ignored_context_factors"
)
NO_CANDIDATE_TABLE = "no training has made a table of it yet"
REPLACEMENT_FORBIDDEN = (
    "Only an admin of the organization may replace a trained candidate, because that "
    "deletes its tables."
)


def load_candidate(optimization: Optimization) -> Candidate:
    """Return the optimization's candidate. Raises NotFoundError where there is none."""
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
    """Set the candidate; return it, and whether it is new.

    Settings that `fields` does not name are those of the optimization. A candidate with
    other settings is replaced and its tables are deleted, since they were not trained
    under the new settings.

    Raises ConflictError unless the optimization is live or paused; InvalidParametersError
    for an unknown context factor, and for settings that equal the optimization's;
    ForbiddenError where tables would be deleted but the actor may not discard them.
    """
    optimization = create_update.lock_optimization(optimization)
    _require_live_or_paused(optimization)
    live = read_training_settings(optimization)
    settings = live | dict(fields)
    settings["ignored_context_factors"] = _validate_ignored_factors(
        optimization, settings
    )
    if settings == live:
        raise InvalidParametersError.for_field("allocation", NOTHING_DIFFERS)
    existing = Candidate.objects.filter(optimization=optimization).first()
    if existing is not None and read_training_settings(existing) == settings:
        return existing, False
    before: dict[str, Any] = {}
    if existing is not None:
        if not may_discard and existing.tables.exists():
            raise ForbiddenError(REPLACEMENT_FORBIDDEN)
        before = read_training_settings(existing)
        existing.delete()
    candidate = Candidate.objects.create(optimization=optimization, **settings)
    organization_id, action = optimization.organization_id, "candidate.put"
    audit.record(organization_id, actor, action, optimization, settings, before=before)
    return candidate, True


@transaction.atomic
def discard_candidate(optimization: Optimization, actor: Actor) -> None:
    """Delete the candidate and its tables. Raises NotFoundError where there is none."""
    optimization = create_update.lock_optimization(optimization)
    candidate = load_candidate(optimization)
    before = read_training_settings(candidate)
    candidate.delete()
    organization_id, action = optimization.organization_id, "candidate.discard"
    audit.record(organization_id, actor, action, optimization, {}, before=before)


@transaction.atomic
def promote_candidate(optimization: Optimization, actor: Actor) -> Optimization:
    """Make the candidate's newest table serve, and give the optimization its settings.

    All or nothing. Cancels a training that is under way, because it uses the old
    settings.

    Raises NotFoundError without a candidate; ConflictError unless the optimization is
    live or paused, before the candidate has a table, and where its last training failed.
    """
    optimization = create_update.lock_optimization(optimization)
    candidate = load_candidate(optimization)
    _require_live_or_paused(optimization)
    newest = find_newest_table(candidate)
    if newest is None or candidate.report is None:
        raise ConflictError(f"The candidate cannot serve: {NO_CANDIDATE_TABLE}.")
    if candidate.error:
        raise ConflictError(
            f"The candidate cannot serve: its last training failed ({candidate.error})."
        )
    for run in optimization.model.training_runs.filter(status__in=runs.OPEN_STATUSES):
        with suppress(ConflictError):  # it has ended in the meantime
            runs.cancel_run(run)
    before = read_training_settings(optimization)
    after = read_training_settings(candidate)
    for name, value in after.items():
        setattr(optimization, name, value)
    optimization.save(update_fields=[*TRAINING_SETTINGS, "updated_at"])
    _publish_table(optimization, newest, candidate.report)
    changes = after | {"policy_version": optimization.model.policy_version}
    candidate.delete()
    snapshot_store.publish_on_commit(optimization.pk)
    organization_id, action = optimization.organization_id, "candidate.promote"
    audit.record(organization_id, actor, action, optimization, changes, before=before)
    return optimization


def _publish_table(
    optimization: Optimization, table: CandidateTable, report: StoredReport
) -> None:
    model, servable = optimization.model, optimization.servable()
    policy = unpack_table(table)
    versions.publish_trained(model, table.training_run, policy, table.enabled, report)
    if servable != table.enabled:
        share = optimization.exploration_share
        versions.publish_enabled(model, servable, exploration_share=share)


def read_training_settings(source: Optimization | Candidate) -> dict[str, Any]:
    """Return the training settings of an optimization or a candidate, by name."""
    return {name: getattr(source, name) for name in TRAINING_SETTINGS}


def build_identity(candidate: Candidate) -> dict[str, Any]:
    """Return what tells this candidate from its successors: settings and creation time."""
    return read_training_settings(candidate) | {"created_at": candidate.created_at}


def find_newest_table(candidate: Candidate) -> CandidateTable | None:
    """Return the candidate's newest table; None before any training."""
    return candidate.tables.order_by("-number").first()


def unpack_table(table: CandidateTable) -> CompiledPolicy:
    """Return the stored table as a policy."""
    shape = table.segments, table.variants
    return CompiledPolicy(
        allocation_bytes.unpack_table(table.probabilities, *shape),
        allocation_bytes.unpack_table(table.prob_best, *shape),
    )


def store_table(
    candidate: Candidate,
    number: int,
    run: TrainingRun,
    policy: CompiledPolicy,
    enabled: list[int],
) -> None:
    """Store the table that a run trained for the candidate beside version `number`."""
    context_cells, variants = policy.probabilities.shape
    candidate.tables.create(
        number=number,
        training_run=run,
        probabilities=allocation_bytes.pack_table(policy.probabilities),
        prob_best=allocation_bytes.pack_table(policy.prob_best),
        segments=context_cells,
        variants=variants,
        enabled=enabled,
    )


def _require_live_or_paused(optimization: Optimization) -> None:
    if optimization.status not in {Status.LIVE, Status.PAUSED}:
        raise ConflictError(
            "Only a live or paused optimization can have a candidate; this one is "
            f"{optimization.status}."
        )


def _validate_ignored_factors(
    optimization: Optimization, settings: Mapping[str, Any]
) -> list[str]:
    """Return the ignored context factors in the model's order, each once.

    Raises InvalidParametersError for a name that is no context factor of the model.
    """
    names = [factor.name for factor in optimization.model.design.contexts]
    for index, name in enumerate(settings["ignored_context_factors"]):
        if name not in names:
            raise InvalidParametersError.for_field(
                f"ignored_context_factors[{index}]",
                f"is no context factor; the model has {', '.join(names) or 'none'}"
                f"{suggest_name(name, names)}",
            )
    return [name for name in names if name in settings["ignored_context_factors"]]
