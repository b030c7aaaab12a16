"""Tool: change an optimization's settings, its variants and their pictures."""

import base64
import binascii
from typing import Any, Literal

from django.db import transaction
from pydantic import Field

from levered_site.errors import InvalidParametersError
from levered_site.mcp import confirmation
from levered_site.mcp.arguments import (
    Confirm,
    NestedInput,
    OptimizationInput,
    OptimizationSettings,
)
from levered_site.mcp.rest_api import Api, Json, RefusedError
from levered_site.mcp.tool import Tool

NOT_FOUND_STATUS = 404


class VariantChange(NestedInput):
    """A change of one variant."""

    number: int = Field(ge=1)
    enabled: bool | None = None
    screenshot_png: str | None = Field(
        None, description="A PNG in base64: what the variant looks like."
    )


class Candidate(NestedInput):
    """How a candidate learns; what is not given is as the live model has it."""

    allocation: Literal["default", "thompson", "uniform"] | None = None
    exploration_share: float | None = Field(None, ge=0, le=0.2)
    ignored_context_factors: list[str] | None = None


class UpdateInput(OptimizationSettings, OptimizationInput):
    """Fields to change, a variant, a candidate; what is not given stays."""

    name: str | None = None
    training_data_config: dict[str, Any] | None = Field(
        None, description="Drafts only; as in create_optimization, replaced as a whole."
    )
    variant: VariantChange | None = None
    candidate: Candidate | None = Field(
        None,
        description="Another way to learn, trained beside the live model and compared "
        "(get_results, view candidate); serves nobody until train_model promotes it.",
    )
    confirm: Confirm = False


def update_optimization(api: Api, given: UpdateInput) -> Json:
    """Change a draft at once; of one that serves, first say what would change."""
    before = _read_state(api, given)
    if before["status"] != "draft" and not given.confirm:
        after = confirmation.run_and_roll_back(api, lambda: _apply_changes(api, given))
        would = f"change {before['name']!r}, which is {before['status']}."
        return confirmation.ask_to_confirm_difference(would, before, after)
    after = _apply_changes(api, given)
    changes = confirmation.diff_fields(before, after)
    return {
        "summary": f"Changed {', '.join(changes) or 'nothing'} of {after['name']!r}.",
        "done": True,
        "changes": changes,
        "next": "get_optimization shows it as it is now.",
    }


def _apply_changes(api: Api, given: UpdateInput) -> Json:
    fields = given.dump_sent("optimization_id", "variant", "candidate", "confirm")
    with transaction.atomic():  # all of it or nothing
        if fields:
            api.patch(given.path, fields)
        if given.variant is not None:
            _change_variant(api, given.path, given.variant)
        if given.candidate is not None:
            way = given.candidate.model_dump(exclude_none=True)
            api.send("PUT", f"{given.path}/candidate", way)
        return _read_state(api, given)


def _change_variant(api: Api, path: str, change: VariantChange) -> None:
    if change.enabled is not None:
        api.patch(f"{path}/variants/{change.number}", {"enabled": change.enabled})
    if change.screenshot_png is not None:
        place = f"{path}/variants/by-number/{change.number}/screenshot"
        api.send_raw("PUT", place, _decode_png(change.screenshot_png), "image/png")


def _decode_png(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidParametersError.for_field(
            "variant.screenshot_png", "must be a PNG in base64"
        ) from error


def _read_state(api: Api, given: UpdateInput) -> Json:
    """Read what a change may touch."""
    found = api.get(given.path)
    if given.variant is not None:
        number = given.variant.number
        rows: list[Any] = api.get(f"{given.path}/variants")["variants"]
        found[f"variant {number}"] = next(
            (row for row in rows if row["number"] == number), None
        )
    if given.candidate is not None:
        found["candidate"] = _read_candidate(api, given.path)
    return found


def _read_candidate(api: Api, path: str) -> Json | None:
    """Show how the candidate learns; None where there is none."""
    try:
        found = api.get(f"{path}/candidate")
    except RefusedError as refused:
        if refused.status != NOT_FOUND_STATUS:
            raise
        return None
    return {name: found[name] for name in Candidate.model_fields}


TOOL = Tool(
    name="update_optimization",
    title="Change an optimization",
    description="Change settings of an optimization, enable or disable one variant, "
    "give it a picture, or try a candidate. A draft changes at once, one that serves only "
    "with confirm: true. Factors and metric are fixed once live. For its status use "
    "change_status.",
    input_model=UpdateInput,
    answer_fields={"done": "b", "changes": "o: field to [before, after]"},
    run=update_optimization,
    is_destructive=True,
    is_idempotent=True,
)
