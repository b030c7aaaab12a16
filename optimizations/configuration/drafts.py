"""What a new draft is made of, and what creating it is refused for. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from levered_site.organizations import quotas
from metrics.models import Metric
from models_app.models import BanditModel
from optimizations import factors
from optimizations.configuration import references, validation
from optimizations.models import Optimization

Fields = Mapping[str, Any]

PLAIN_FIELDS = (
    "name",
    "holdout_percentage",
    "excluded_combinations",
    "retrain_every_minutes",
    "allocation",
    "exploration_share",
    "expected_users",
    "allowed_origins",
    "public_policy",
    "excluded_users",  # set in the admin only; the API's serializers do not have it
)


@dataclass(frozen=True, slots=True)
class NewDraft:
    """An optimization with its model, neither of them saved, and its guardrails."""

    optimization: Optimization
    guardrails: Sequence[Metric]


def prepare_draft(organization_id: str, fields: Fields) -> NewDraft:
    """Return a draft that may be saved.

    `fields` is the API's create body without `status`, as the serializer validates it.
    Raises InvalidParametersError naming every field that breaks a rule, and ConflictError
    where the organization has as many optimizations as it may.
    """
    quotas.require_room(
        Optimization.objects.for_organization(organization_id),
        settings.MAX_OPTIMIZATIONS,
        "optimizations",
    )
    config = fields[validation.CONFIG_FIELD]
    model_type = fields.get("model_type", BanditModel.Type.CMAB)
    validation.raise_problems(validation.find_config_problems(config, model_type))
    validation.raise_problems(
        validation.find_exclusion_problems(
            config, fields.get("excluded_combinations", ())
        )
    )
    model = BanditModel(
        organization_id=organization_id,
        model_type=model_type,
        training_data_config=config,
    )
    optimization = Optimization(
        organization_id=organization_id,
        model=model,
        status=Optimization.Status.DRAFT,
    )
    guardrails = assign_fields(optimization, fields)
    references.require_reward_type(optimization)
    return NewDraft(optimization, guardrails)


def assign_fields(optimization: Optimization, fields: Fields) -> list[Metric]:
    """Set all fields but the guardrails, which are returned; do not save.

    Excluded levels are stored as the design writes them, however they were sent.
    Raises InvalidParametersError for an id that is not the organization's.
    """
    for name in PLAIN_FIELDS:
        if name in fields:
            setattr(optimization, name, fields[name])
    design_factors = optimization.model.training_data_config["design_factors"]
    optimization.excluded_combinations = [
        factors.spell_levels(design_factors, partial)
        for partial in optimization.excluded_combinations
    ]
    return references.assign_references(optimization, fields)
