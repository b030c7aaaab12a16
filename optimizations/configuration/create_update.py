"""Create optimizations and change their settings, variants and excluded users."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.configuration import (
    drafts,
    references,
    regimes,
    validation,
    variants,
)
from optimizations.models import Optimization, Variant
from optimizations.serving import snapshot_store

Fields = Mapping[str, Any]
Status = Optimization.Status

CHANGEABLE_STATUSES = (Status.DRAFT, Status.LIVE, Status.PAUSED)
DRAFT_ONLY_FIELDS = ("training_data_config", "reward_metric_id", "assignment_source_id")
EXCLUDES_EVERYBODY_MESSAGE = (
    "a * alone would leave out everybody; write the beginning of the ids before it"
)
FIXED_USERS_MESSAGE = (
    "changes in draft only: the anytime intervals of a live optimization are tuned by it, and "
    "hold only if it stays"
)
ALWAYS_CHANGEABLE_FIELDS = (
    "name",
    "guardrail_metric_ids",
    "excluded_users",
    "public_policy",
)


def lock_optimization(optimization: Optimization) -> Optimization:
    """Read an optimization again and lock its row until the transaction ends."""
    rows = Optimization.objects.select_for_update(of=("self",))
    return rows.select_related("model", "reward_metric").get(pk=optimization.pk)


@transaction.atomic
def create_draft(organization_id: str, actor: Actor, fields: Fields) -> Optimization:
    """Create an optimization in `draft`, with its model and its numbered variants.

    Takes and raises what `drafts.prepare_draft` does.
    """
    draft = drafts.prepare_draft(organization_id, fields)
    optimization = draft.optimization
    optimization.model.save(force_insert=True)
    optimization.save(force_insert=True)
    optimization.guardrail_metrics.add(*draft.guardrails)
    variants.replace_variants(optimization)
    audit.record(organization_id, actor, "optimization.create", optimization, fields)
    return optimization


@transaction.atomic
def update_configuration(
    optimization: Optimization, fields: Fields, actor: Actor
) -> Optimization:
    """Set fields by their API names (all but `status`); other fields stay.

    Raises ConflictError for a field that is fixed in the optimization's status,
    InvalidParametersError naming every field that breaks a rule.
    """
    optimization = lock_optimization(optimization)
    _refuse_fixed_fields(optimization, fields)
    model = optimization.model
    before = _read_fields(optimization, fields)
    holdout_before = optimization.holdout_percentage
    if validation.CONFIG_FIELD in fields:
        model.training_data_config = fields[validation.CONFIG_FIELD]
        validation.raise_problems(
            validation.find_config_problems(
                model.training_data_config, model.model_type
            )
        )
    partials = fields.get("excluded_combinations", optimization.excluded_combinations)
    validation.raise_problems(
        validation.find_exclusion_problems(model.training_data_config, partials)
    )
    guardrails = drafts.assign_fields(optimization, fields)
    references.require_reward_type(optimization)
    optimization.save()
    if references.GUARDRAILS_FIELD in fields:
        references.replace_guardrails(optimization, guardrails)
    if validation.CONFIG_FIELD in fields:
        model.save(update_fields=["training_data_config", "updated_at"])
        variants.replace_variants(optimization)
    elif "excluded_combinations" in fields:
        variants.apply_exclusions(optimization)
    if optimization.holdout_percentage != holdout_before and variants.has_gone_live(
        optimization
    ):
        regimes.open_regime(optimization, "holdout changed")
    snapshot_store.publish_on_commit(optimization.pk)
    _record_change(optimization, actor, fields, before)
    return optimization


@transaction.atomic
def set_variant_enabled(
    optimization: Optimization, number: int, actor: Actor, *, enabled: bool
) -> Variant:
    """Enable or disable one variant; a new policy version serves at once.

    Raises ConflictError for the baseline, if fewer than two variants would remain, and
    if the status allows no change.
    """
    optimization = lock_optimization(optimization)
    if optimization.status not in CHANGEABLE_STATUSES:
        raise ConflictError(
            "Variants change only while the optimization is a draft, live or paused; "
            f"this one is {optimization.status}."
        )
    variant = optimization.variants.without_pictures().get(number=number)
    if variant.enabled == enabled:
        return variant
    if number == 1:
        raise ConflictError("Variant 1 is the baseline and cannot be disabled.")
    before = optimization.servable()
    variant.enabled = enabled
    variant.save(update_fields=["enabled", "updated_at"])
    variants.publish_servable(optimization, before)
    action = "variant.enable" if enabled else "variant.disable"
    changes = {"number": number, "variant": variant.variant_key, "enabled": enabled}
    organization_id, was_enabled = (
        optimization.organization_id,
        {"enabled": not enabled},
    )
    audit.record(
        organization_id, actor, action, optimization, changes, before=was_enabled
    )
    return variant


@transaction.atomic
def exclude_users(
    optimization: Optimization, users: Sequence[str], actor: Actor
) -> Optimization:
    """Leave users out of results: `users` are ids, or prefixes ending in `*`.

    This changes the cube's specification, so the next refresh recounts every day.
    Raises InvalidParametersError for a `*` alone, which would leave out everybody.
    """
    if any(not user.removesuffix("*").strip() for user in users):
        raise InvalidParametersError.for_field(
            "excluded_users", EXCLUDES_EVERYBODY_MESSAGE
        )
    optimization = lock_optimization(optimization)
    before = {"excluded_users": optimization.excluded_users}
    optimization.excluded_users = list(users)
    optimization.save(update_fields=["excluded_users", "updated_at"])
    _record_change(optimization, actor, {"excluded_users": list(users)}, before)
    return optimization


def _record_change(
    optimization: Optimization, actor: Actor, fields: Fields, before: Fields
) -> None:
    organization_id, action = optimization.organization_id, "optimization.change"
    audit.record(organization_id, actor, action, optimization, fields, before=before)


def _read_fields(optimization: Optimization, names: Iterable[str]) -> dict[str, Any]:
    """Return the present values of fields by their API names, for the audit log."""
    values: dict[str, Any] = {}
    for name in names:
        if name == validation.CONFIG_FIELD:
            values[name] = optimization.model.training_data_config
        elif name == "guardrail_metric_ids":
            metrics = optimization.guardrail_metrics.order_by("name", "pk")
            values[name] = [metric.pk for metric in metrics]
        else:
            values[name] = getattr(optimization, name)
    return values


def _refuse_fixed_fields(optimization: Optimization, fields: Fields) -> None:
    status = optimization.status
    _refuse_expected_users(optimization, fields)
    for name in fields:
        if name in DRAFT_ONLY_FIELDS and status != Status.DRAFT:
            raise ConflictError(
                f"{name} is fixed once the optimization has been live. "
                "Create a new optimization to change it."
            )
        if name not in ALWAYS_CHANGEABLE_FIELDS and status not in CHANGEABLE_STATUSES:
            raise ConflictError(
                f"{name} cannot change any more: the optimization is {status}."
            )


def _refuse_expected_users(optimization: Optimization, fields: Fields) -> None:
    """Raise InvalidParametersError if the number changes once the optimization was live.

    The anytime figures are one sequence: chosen again at each look, up to 7% of runs
    without an effect would show one.
    """
    before = optimization.expected_users
    is_changed = fields.get("expected_users", before) != before
    if is_changed and optimization.status != Status.DRAFT:
        raise InvalidParametersError.for_field("expected_users", FIXED_USERS_MESSAGE)
