"""Tool: change the status of an optimization."""

from contextlib import suppress
from typing import Literal

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, OptimizationInput
from levered_site.mcp.rest_api import Api, Json, RefusedError
from levered_site.mcp.tool import Tool
from levered_site.mcp.tools import optimization_details

TargetStatus = Literal[
    "live", "paused", "shipped", "completed", "archived", "unarchived"
]
# What each status means for the users who are served.
CONSEQUENCES = {
    "live": "serve answers with decisions, there is a holdout, and learning is on; "
    "factors and levels are fixed from now on. From shipped, this undoes the shipping.",
    "paused": "serve answers 409, so that clients show their fallback; learning is off "
    "and nothing is recorded.",
    "shipped": "everybody gets the leading variant for their context, whatever they saw "
    "before, without a holdout; results freeze.",
    "completed": "serve answers 404 and learning ends permanently; results stay.",
    "archived": "serve answers 404 and lists hide it; its data stay. unarchived undoes "
    "it, but what was live comes back paused.",
    "unarchived": "it has the status of before, but is paused where it was live.",
}
# Changes for admins only have endpoints of their own.
ADMIN_ACTIONS = {
    "shipped": "ship",
    "completed": "stop",
    "archived": "archive",
    "unarchived": "unarchive",
}
# Those that may need a confirmation.
CONFIRMED_ACTIONS = ("ship",)
NEXT_STEP_BY_STATUS = optimization_details.NEXT_STEP_BY_STATUS | {
    "live": "serve_variant (a dry run) shows what users get now.",
}


class StatusInput(OptimizationInput):
    """The status to change to."""

    to: TargetStatus
    confirm: Confirm = False


def change_status(api: Api, arguments: StatusInput) -> Json:
    """Change the status; without a confirm, say what that means for users."""
    before = api.get(arguments.path)
    consequence = CONSEQUENCES[arguments.to]
    if not arguments.confirm:
        return _preview_change(api, arguments, before)
    after = _set_status(api, arguments)
    reasons = after["health"]["reasons"] if arguments.to == "shipped" else []
    answer = {
        "summary": f"{after['name']!r} is {after['status']} now: {consequence}",
        "done": True,
        "changes": {"status": [before["status"], after["status"]]},
        "next": NEXT_STEP_BY_STATUS[after["status"]],
    }
    return answer | {"reasons": reasons} if reasons else answer


def _preview_change(api: Api, arguments: StatusInput, before: Json) -> Json:
    """Return what would change, and the reasons that the API names against it."""
    confirmed = arguments.model_copy(update={"confirm": True})
    reasons: list[Json] = []
    is_live = before["status"] == "live"
    if arguments.to == "shipped" and is_live and api.caller.is_admin:
        _count(api, arguments)
    try:
        after = confirmation.run_and_roll_back(api, lambda: _set_status(api, arguments))
    except RefusedError as error:
        reasons = confirmation.list_reasons(error)
        if not reasons:
            raise
        after = confirmation.run_and_roll_back(api, lambda: _set_status(api, confirmed))
    would = (
        f"move {before['name']!r} from {before['status']} to {arguments.to}: "
        f"{CONSEQUENCES[arguments.to]}"
    )
    answer = confirmation.ask_to_confirm_difference(would, before, after)
    return confirmation.warn_of_reasons(answer, reasons) if reasons else answer


def _count(api: Api, arguments: StatusInput) -> None:
    """Have the warehouse count first: what a preview counts is rolled back with it."""
    with suppress(RefusedError):  # then the preview tells what is known
        api.get(f"{arguments.path}/results", refresh="true")


def _set_status(api: Api, arguments: StatusInput) -> Json:
    action = ADMIN_ACTIONS.get(arguments.to)
    if action is None:
        return api.patch(arguments.path, {"status": arguments.to})
    body = {"confirm": arguments.confirm} if action in CONFIRMED_ACTIONS else None
    return api.post(f"{arguments.path}/{action}", body)


TOOL = Tool(
    name="change_status",
    title="Go live, pause, ship, stop, archive, unarchive",
    description="Move an optimization: draft to live; live to paused, shipped (everybody "
    "gets the winner), completed (stop) or archived; paused or shipped back to live; "
    "archived to unarchived, which undoes archiving. "
    "Affects live traffic: without confirm: true it answers what would change. Only "
    "admins ship, stop, archive and unarchive.",
    input_model=StatusInput,
    answer_fields={
        "done": "b",
        "changes": "o: field to [before, after]",
        "reasons": "a: what speaks against it",
    },
    run=change_status,
    is_destructive=True,
    is_idempotent=True,
)
