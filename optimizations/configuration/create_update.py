"""What an optimization is set to: create it, change it, enable and disable variants."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from levered_site.errors import ConflictError, FieldProblem, InvalidParametersError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from metrics.models import AssignmentSource, Metric
from models_app.models import BanditModel
from optimizations.configuration import regimes, validation, variants
from optimizations.models import Optimization, Variant
from optimizations.serving import snapshot_store

Fields = Mapping[str, Any]
Status = Optimization.Status

CHANGEABLE_STATUSES = (Status.DRAFT, Status.LIVE, Status.PAUSED)
DRAFT_ONLY_FIELDS = ("training_data_config", "reward_metric_id", "assignment_source_id")
EXCLUDES_EVERYBODY_MESSAGE = (
    "a * alone would leave out everybody: write what the ids begin with"
)
ALWAYS_CHANGEABLE_FIELDS = (
    "name",
    "guardrail_metric_ids",
    "expected_users",
    "excluded_users",
)
PLAIN_FIELDS = (
    "name",
    "holdout_percentage",
    "excluded_combinations",
    "retrain_every_minutes",
    "allocation",
    "exploration_share",
    "expected_users",
    "allowed_origins",
    "excluded_users",  # by staff alone: the API's shapes do not know it
)


def lock_optimization(optimization: Optimization) -> Optimization:
    """Read an optimization again, its row held until the transaction ends."""
    rows = Optimization.objects.select_for_update(of=("self",))
    return rows.select_related("model", "reward_metric").get(pk=optimization.pk)


@transaction.atomic
def create_draft(organization_id: str, actor: Actor, fields: Fields) -> Optimization:
    """Create an optimization in `draft`, with its model and its numbered variants.

    `fields` as the contract's create body without `status`, in the serializer's shape.
    Raises InvalidParametersError naming every field that breaks a rule.
    """
    config = fields["training_data_config"]
    model_type = fields.get("model_type", BanditModel.Type.CMAB)
    _raise_problems(validation.find_config_problems(config, model_type))
    _raise_problems(
        validation.find_exclusion_problems(
            config, fields.get("excluded_combinations", ())
        )
    )
    model = BanditModel.objects.create(
        organization_id=organization_id,
        model_type=model_type,
        training_data_config=config,
    )
    optimization = Optimization(
        organization_id=organization_id, model=model, status=Status.DRAFT
    )
    _assign_fields(optimization, fields)
    _require_reward_type(optimization)
    optimization.save(force_insert=True)
    _set_guardrails(optimization, fields)
    variants.replace_variants(optimization)
    audit.record(organization_id, actor, "optimization.create", optimization, fields)
    return optimization


@transaction.atomic
def update_configuration(
    optimization: Optimization, fields: Fields, actor: Actor
) -> Optimization:
    """Set fields by their API names (all but `status`); what is not given stays.

    Raises ConflictError for a field that this status has fixed; InvalidParametersError naming
    every field that breaks a rule.
    """
    optimization = lock_optimization(optimization)
    _refuse_fixed_fields(optimization, fields)
    config = optimization.model.training_data_config
    holdout_before = optimization.holdout_percentage
    if "training_data_config" in fields:
        config = optimization.model.training_data_config = fields[
            validation.CONFIG_FIELD
        ]
        _raise_problems(
            validation.find_config_problems(config, optimization.model.model_type)
        )
    partials = fields.get("excluded_combinations", optimization.excluded_combinations)
    _raise_problems(validation.find_exclusion_problems(config, partials))
    _assign_fields(optimization, fields)
    _require_reward_type(optimization)
    optimization.save()
    _set_guardrails(optimization, fields)
    if "training_data_config" in fields:
        optimization.model.save(update_fields=["training_data_config", "updated_at"])
        variants.replace_variants(optimization)
    elif "excluded_combinations" in fields:
        variants.apply_exclusions(optimization)
    if optimization.holdout_percentage != holdout_before and variants.has_gone_live(
        optimization
    ):
        regimes.open_regime(optimization, "holdout changed")
    snapshot_store.publish_on_commit(optimization.pk)
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, "optimization.change", optimization, fields)
    return optimization


@transaction.atomic
def set_variant_enabled(
    optimization: Optimization, number: int, actor: Actor, *, enabled: bool
) -> Variant:
    """Enable or disable one variant; a new policy version serves at once.

    Raises ConflictError for the baseline, where fewer than two would remain, and where the
    status allows no change.
    """
    optimization = lock_optimization(optimization)
    if optimization.status not in CHANGEABLE_STATUSES:
        raise ConflictError(f"A {optimization.status} optimization keeps its variants.")
    variant = optimization.variants.defer("screenshot").get(number=number)
    if variant.enabled == enabled:
        return variant
    if number == 1:
        raise ConflictError("The baseline cannot be disabled.")
    before = optimization.servable()
    variant.enabled = enabled
    variant.save(update_fields=["enabled", "updated_at"])
    variants.publish_servable(optimization, before)
    deed = "variant.enable" if enabled else "variant.disable"
    changes = {"number": number, "variant": variant.variant_key, "enabled": enabled}
    audit.record(optimization.organization_id, actor, deed, optimization, changes)
    return variant


@transaction.atomic
def exclude_users(
    optimization: Optimization, users: Sequence[str], actor: Actor
) -> Optimization:
    """Leave users out of results: ids, or prefixes ending in `*`.

    The next refresh of the cube counts every day anew, as its question has changed.
    Raises InvalidParametersError for a `*` alone, which would leave out everybody.
    """
    if any(not user.removesuffix("*").strip() for user in users):
        raise InvalidParametersError.for_field(
            "excluded_users", EXCLUDES_EVERYBODY_MESSAGE
        )
    optimization = lock_optimization(optimization)
    changes = {"excluded_users": [optimization.excluded_users, list(users)]}
    optimization.excluded_users = list(users)
    optimization.save(update_fields=["excluded_users", "updated_at"])
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, "optimization.change", optimization, changes)
    return optimization


def _raise_problems(problems: Sequence[FieldProblem]) -> None:
    if problems:
        first = problems[0]
        raise InvalidParametersError(f"{first.field}: {first.message}", problems)


def _refuse_fixed_fields(optimization: Optimization, fields: Fields) -> None:
    status = optimization.status
    for name in fields:
        if name in DRAFT_ONLY_FIELDS and status != Status.DRAFT:
            raise ConflictError(f"{name} is fixed once live; this one is {status}.")
        if name not in ALWAYS_CHANGEABLE_FIELDS and status not in CHANGEABLE_STATUSES:
            raise ConflictError(f"{name} cannot change any more: this one is {status}.")


def _assign_fields(optimization: Optimization, fields: Fields) -> None:
    """Put plain fields and the organization's own metric and source into place."""
    for name in PLAIN_FIELDS:
        if name in fields:
            setattr(optimization, name, fields[name])
    organization_id = optimization.organization_id
    if "reward_metric_id" in fields:
        wanted = fields["reward_metric_id"]
        named = {} if wanted is None else {"reward_metric_id": wanted}
        optimization.reward_metric = next(
            iter(_load_metrics(organization_id, named)), None
        )
    if "assignment_source_id" in fields:
        optimization.assignment_source = _load_source(
            organization_id, fields["assignment_source_id"]
        )


def _require_reward_type(optimization: Optimization) -> None:
    metric = optimization.reward_metric
    given = optimization.model.training_data_config["reward"]["type"]
    if metric is not None and metric.reward_type != given:
        raise InvalidParametersError.for_field(
            f"{validation.CONFIG_FIELD}.reward.type",
            f"must be {metric.reward_type}, the type of the reward metric",
        )


def _load_metrics(organization_id: str, wanted: Mapping[str, UUID]) -> list[Metric]:
    """Read the organization's metrics by the fields that name them, each once.

    Raises InvalidParametersError naming each field whose id is not one of them.
    """
    found = Metric.objects.filter(organization_id=organization_id)
    known = found.in_bulk(list(wanted.values()))
    _raise_problems(
        [
            FieldProblem(field, f"no such metric: {one}")
            for field, one in wanted.items()
            if one not in known
        ]
    )
    return [known[one] for one in dict.fromkeys(wanted.values())]


def _load_source(
    organization_id: str, source_id: UUID | None
) -> AssignmentSource | None:
    if source_id is None:
        return None
    own = AssignmentSource.objects.filter(organization_id=organization_id)
    source = own.filter(pk=source_id).first()
    if source is None:
        raise InvalidParametersError.for_field("assignment_source_id", "no such source")
    return source


def _set_guardrails(optimization: Optimization, fields: Fields) -> None:
    if "guardrail_metric_ids" in fields:
        ids = fields["guardrail_metric_ids"]
        wanted = {f"guardrail_metric_ids[{at}]": one for at, one in enumerate(ids)}
        optimization.guardrail_metrics.set(
            _load_metrics(optimization.organization_id, wanted)
        )
