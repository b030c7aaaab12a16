"""Find out what creating an optimization would be refused for, without creating it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from levered_site.errors import InvalidParametersError, LeveredError
from optimizations.configuration import drafts, launch


@dataclass(frozen=True, slots=True)
class CreationRefusals:
    """Why an optimization cannot be created, as a draft and live; None where it can."""

    draft: LeveredError | None
    live: LeveredError | None


def find_creation_refusals(
    organization_id: str, fields: Mapping[str, Any], *, is_connected: bool
) -> CreationRefusals:
    """Return what `lifecycle.create_optimization` would raise; write nothing.

    `fields` is its body without `status`. `is_connected` says whether the organization
    has a warehouse of its own.
    """
    try:
        draft = drafts.prepare_draft(organization_id, fields)
    except LeveredError as error:
        return CreationRefusals(draft=error, live=error)
    if draft.optimization.reward_metric is None:
        return CreationRefusals(draft=None, live=refuse_without_metric())
    try:
        launch.require_ready(draft.optimization, is_connected=is_connected)
    except LeveredError as error:
        return CreationRefusals(draft=None, live=error)
    return CreationRefusals(draft=None, live=None)


def refuse_without_metric() -> InvalidParametersError:
    """Return the refusal of a body that goes live without a reward metric."""
    return InvalidParametersError.for_field(
        "reward_metric_id", "is required to go live"
    )
