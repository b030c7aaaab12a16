"""Tool: move an optimization from one status to another."""

from typing import Literal

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool

TargetStatus = Literal["live", "paused", "shipped", "completed", "archived"]
# What a move means to those who are served, in the contract's words.
CONSEQUENCES = {
    "live": "serve answers with decisions, a holdout is kept, and learning is on; "
    "factors and levels are fixed for good. From shipped this undoes the shipping.",
    "paused": "serve answers 409, so that clients show their fallback; learning is off "
    "and nothing is recorded.",
    "shipped": "everybody gets the leading variant for their context, whatever they saw "
    "before, without a holdout; results freeze.",
    "completed": "serve answers 404 and learning is off for good; results stay.",
    "archived": "serve answers 404 and it is hidden from lists; its data stay.",
}
# Those that only admins make have an endpoint of their own.
ADMIN_ACTIONS = {"shipped": "ship", "completed": "stop", "archived": "archive"}
NEXT_STEP_BY_STATUS = {
    "live": "serve_variant (a dry run) shows what users get now.",
    "paused": "change_status to live resumes it.",
    "shipped": "change_status to live undoes it; to completed ends it for good.",
    "completed": "change_status to archived hides it.",
    "archived": "delete removes it.",
}


class StatusInput(OptimizationInput):
    """Where it is to go."""

    to: TargetStatus
    confirm: Confirm = False


def change_status(api: Api, given: StatusInput) -> Json:
    """Move it; first say what that means to those who are served."""
    before = api.get(given.path)
    move = f"move {before['name']!r} from {before['status']} to {given.to}"
    if not given.confirm:
        after = confirmation.run_and_roll_back(api, lambda: _set_status(api, given))
        return confirmation.ask_to_confirm_difference(
            f"{move}: {CONSEQUENCES[given.to]}", before, after
        )
    after = _set_status(api, given)
    return {
        "summary": f"{after['name']!r} is {after['status']} now: {CONSEQUENCES[given.to]}",
        "done": True,
        "changes": {"status": [before["status"], after["status"]]},
        "next": NEXT_STEP_BY_STATUS[given.to],
    }


def _set_status(api: Api, given: StatusInput) -> Json:
    deed = ADMIN_ACTIONS.get(given.to)
    if deed is None:
        return api.patch(given.path, {"status": given.to})
    return api.post(f"{given.path}/{deed}")


TOOL = Tool(
    name="change_status",
    title="Go live, pause, ship, stop, archive",
    description="Move an optimization: draft to live; live to paused, shipped (everybody "
    "gets the winner), completed (stop) or archived; paused or shipped back to live. "
    "Touches live traffic: without confirm: true it answers what would change. Admins "
    "ship, stop and archive.",
    input_model=StatusInput,
    answer_fields={"done": "b", "changes": "o: field to [before, after]"},
    run=change_status,
    is_destructive=True,
    is_idempotent=True,
)
