"""Tool: change an optimization's settings, a variant, its candidate, or write a note."""

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
    """Changes of one variant."""

    number: int = Field(ge=1)
    enabled: bool | None = None
    screenshot_png: str | None = Field(
        None, description="A PNG in base64: what the variant looks like."
    )


class Candidate(NestedInput):
    """How a candidate learns; a missing setting is that of the live model."""

    allocation: Literal["default", "thompson", "uniform"] | None = None
    exploration_share: float | None = Field(None, ge=0, le=0.2)
    ignored_context_factors: list[str] | None = None


class NoteText(NestedInput):
    """A note on a day."""

    text: str
    date: str | None = Field(None, description="UTC; today if missing.")


class UpdateInput(OptimizationSettings, OptimizationInput):
    """What to change; anything missing stays as it is."""

    name: str | None = None
    training_data_config: dict[str, Any] | None = Field(
        None, description="Drafts only; as in create_optimization, replaced as a whole."
    )
    variant: VariantChange | None = None
    candidate: Candidate | None = Field(
        None,
        description="Other model settings, trained beside the live model and compared "
        "(get_results, view candidate); serve nobody until train_model promotes them.",
    )
    note: NoteText | None = Field(
        None, description="What happened on a day; charts show it. Needs no confirm."
    )
    confirm: Confirm = False


def update_optimization(api: Api, arguments: UpdateInput) -> Json:
    """Change a draft at once; any other status needs a confirm, but for a note alone."""
    before = _read_state(api, arguments)
    is_note_alone = not arguments.dump_sent("optimization_id", "note", "confirm")
    needs_confirm = before["status"] != "draft" and not is_note_alone
    if needs_confirm and not arguments.confirm:
        after = confirmation.run_and_roll_back(
            api, lambda: _apply_changes(api, arguments)
        )
        would = f"change {before['name']!r}, which is {before['status']}."
        return confirmation.ask_to_confirm_difference(would, before, after)
    after = _apply_changes(api, arguments)
    changes = confirmation.diff_fields(before, after)
    return {
        "summary": f"Changed {', '.join(changes) or 'nothing'} of {after['name']!r}.",
        "done": True,
        "changes": changes,
        "next": "get_optimization shows the current settings.",
    }


def _apply_changes(api: Api, arguments: UpdateInput) -> Json:
    """Apply all changes, or none if one fails, and return the state after them."""
    nested = ("variant", "candidate", "note")
    fields = arguments.dump_sent("optimization_id", *nested, "confirm")
    with transaction.atomic():
        if fields:
            api.patch(arguments.path, fields)
        if arguments.variant is not None:
            _change_variant(api, arguments.path, arguments.variant)
        if arguments.candidate is not None:
            settings = arguments.candidate.model_dump(exclude_none=True)
            api.send("PUT", f"{arguments.path}/candidate", settings)
        state = _read_state(api, arguments)
        if arguments.note is not None:
            body = arguments.note.model_dump(exclude_none=True)
            state["note"] = api.post(f"{arguments.path}/notes", body)
        return state


def _change_variant(api: Api, path: str, change: VariantChange) -> None:
    if change.enabled is not None:
        api.patch(f"{path}/variants/{change.number}", {"enabled": change.enabled})
    if change.screenshot_png is not None:
        screenshot = f"{path}/variants/by-number/{change.number}/screenshot"
        api.send_raw("PUT", screenshot, _decode_png(change.screenshot_png), "image/png")


def _decode_png(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidParametersError.for_field(
            "variant.screenshot_png", "must be a PNG in base64"
        ) from error


def _read_state(api: Api, arguments: UpdateInput) -> Json:
    """Return the optimization, with the variant and candidate that the call may change."""
    state = api.get(arguments.path)
    if arguments.variant is not None:
        number = arguments.variant.number
        rows: list[Any] = api.get(f"{arguments.path}/variants")["variants"]
        state[f"variant {number}"] = next(
            (row for row in rows if row["number"] == number), None
        )
    if arguments.candidate is not None:
        state["candidate"] = _read_candidate(api, arguments.path)
    if arguments.note is not None:
        state["note"] = None
    return state


def _read_candidate(api: Api, path: str) -> Json | None:
    """Return the candidate's settings, or None if there is no candidate."""
    try:
        candidate = api.get(f"{path}/candidate")
    except RefusedError as error:
        if error.status != NOT_FOUND_STATUS:
            raise
        return None
    return {name: candidate[name] for name in Candidate.model_fields}


TOOL = Tool(
    name="update_optimization",
    title="Change an optimization",
    description="Change settings of an optimization, enable or disable one variant, "
    "give it a picture, try a candidate, or write a note on a day. A draft changes at "
    "once, any other status only with confirm: true. Factors and metric are fixed once live. For the status use "
    "change_status.",
    input_model=UpdateInput,
    answer_fields={"done": "b", "changes": "o: field to [before, after]"},
    run=update_optimization,
    is_destructive=True,
)
