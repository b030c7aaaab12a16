"""Tool: have a model learn now, look at a run, or stop it."""

from typing import Literal

from pydantic import Field

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool


class TrainInput(OptimizationInput):
    """What to do about training."""

    action: Literal["start", "status", "cancel", "promote_candidate"] = "start"
    wait: bool = Field(
        default=True, description="Wait up to 25 s for the end; false: answer at once."
    )
    bias: dict[str, float] | None = Field(
        None, description="Explore a design factor more: {factor: -1 to 100}."
    )
    confirm: Confirm = False


def train_model(api: Api, given: TrainInput) -> Json:
    """Start a run, after a confirm; or tell of the newest one, or stop it."""
    optimization = api.get(given.path)
    path = f"/models/{optimization['model_id']}"
    if given.action == "promote_candidate":
        return _promote_candidate(api, given, optimization)
    if given.action != "start":
        return _show_or_cancel_run(api, path, cancel=given.action == "cancel")
    body = {} if given.bias is None else {"bias": given.bias}
    prefer = None if given.wait else "respond-async"
    if not given.confirm:
        confirmation.run_and_roll_back(
            api, lambda: api.post(f"{path}/train", body, prefer="respond-async")
        )
        version = optimization["policy_version"]
        would = (
            f"train the model of {optimization['name']!r} on what was observed, and "
            "publish a new policy: live traffic is shared out anew among the variants. "
            "Users keep the variant they were first served."
        )
        return confirmation.ask_to_confirm(would, policy_version=[version, "the next"])
    return _describe_run(api.post(f"{path}/train", body, prefer=prefer))


def _promote_candidate(api: Api, given: TrainInput, before: Json) -> Json:
    def post_promotion() -> Json:
        return api.post(f"{given.path}/candidate/promote")

    if not given.confirm:
        after = confirmation.run_and_roll_back(api, post_promotion)
        would = (
            f"let the candidate of {before['name']!r} serve, and learn its way from now "
            "on; the candidate is gone then, and a training under way is cancelled."
        )
        return confirmation.ask_to_confirm_difference(would, before, after)
    after = post_promotion()
    return {
        "summary": f"The candidate serves now, as policy version "
        f"{after['policy_version']}.",
        "done": True,
        "changes": confirmation.diff_fields(before, after),
        "next": "get_results tells how it goes.",
    }


def _describe_run(found: Json) -> Json:
    if found["status"] == "training":
        return {
            "summary": "The run is under way.",
            "done": False,
            "run": found,
            "next": "train_model with action: status tells how far it is.",
        }
    return {
        "summary": f"Trained: policy version {found['policy_version']} serves now.",
        "done": True,
        "run": found,
        "next": "get_optimization (detail: model_state) shows what was learned; "
        "get_results what came out.",
    }


def _show_or_cancel_run(api: Api, path: str, *, cancel: bool) -> Json:
    runs = api.get(f"{path}/training-runs", limit=1, order_by="created_at")
    if not runs["training_runs"]:
        return {
            "summary": "It was never trained.",
            "done": False,
            "next": "train_model with action: start.",
        }
    run = runs["training_runs"][0]
    if cancel:
        run = api.post(f"{path}/training-runs/{run['id']}/cancel")
    ended = run["status"] not in {"queued", "running"}
    error = f": {run['error']}" if run["error"] else ""
    return {
        "summary": f"The newest run is {run['status']}, at {run['progress']:.0%}{error}.",
        "done": ended,
        "run": run,
        "next": 'get_results (refresh: "true").'
        if ended
        else "ask again in some seconds.",
    }


TOOL = Tool(
    name="train_model",
    title="Train the model",
    description="Learn now from what was observed and publish a new policy (the clock "
    "does it by itself, too); tell the status of the newest run, or cancel it; or let the "
    "candidate serve (admins). Start and promote_candidate change how live traffic is "
    "shared out: they need confirm: true.",
    input_model=TrainInput,
    answer_fields={"done": "b", "run": "o", "changes": "o"},
    run=train_model,
    is_destructive=True,
)
