"""Tool: train a model, show or cancel its newest run, promote a candidate."""

from typing import Literal

from pydantic import Field

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm, OptimizationInput
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Tool


class TrainInput(OptimizationInput):
    """What to do with the model's training."""

    action: Literal["start", "status", "cancel", "promote_candidate"] = "start"
    wait: bool = Field(
        default=True, description="Wait up to 25 s for the run; false: answer at once."
    )
    bias: dict[str, float] | None = Field(
        None, description="Explore a design factor more: {factor: -1 to 100}."
    )
    confirm: Confirm = False


def train_model(api: Api, arguments: TrainInput) -> Json:
    """Start a run, show or cancel the newest one, or promote the candidate.

    Starting and promoting need a confirm.
    """
    optimization = api.get(arguments.path)
    path = f"/models/{optimization['model_id']}"
    if arguments.action == "promote_candidate":
        return _promote_candidate(api, arguments, optimization)
    if arguments.action != "start":
        return _show_or_cancel_run(api, path, cancel=arguments.action == "cancel")
    body = {} if arguments.bias is None else {"bias": arguments.bias}
    prefer = None if arguments.wait else "respond-async"
    if not arguments.confirm:
        confirmation.run_and_roll_back(
            api, lambda: api.post(f"{path}/train", body, prefer="respond-async")
        )
        version = optimization["policy_version"]
        would = (
            f"train the model of {optimization['name']!r} on all observations, and "
            "publish a new policy, which changes the shares of live traffic that the "
            "variants get. Users keep the variant they were first served."
        )
        return confirmation.ask_to_confirm(would, policy_version=[version, "the next"])
    return _describe_run(api.post(f"{path}/train", body, prefer=prefer))


def _promote_candidate(api: Api, arguments: TrainInput, before: Json) -> Json:
    def post_promotion() -> Json:
        return api.post(f"{arguments.path}/candidate/promote")

    if not arguments.confirm:
        after = confirmation.run_and_roll_back(api, post_promotion)
        would = (
            f"let the candidate of {before['name']!r} serve, and use its settings from "
            "now on. The candidate then no longer exists; a training run under way is "
            "canceled."
        )
        return confirmation.ask_to_confirm_difference(would, before, after)
    after = post_promotion()
    return {
        "summary": f"The candidate serves now, as policy version "
        f"{after['policy_version']}.",
        "done": True,
        "changes": confirmation.diff_fields(before, after),
        "next": "get_results shows the results.",
    }


def _describe_run(run: Json) -> Json:
    if run["status"] == "training":
        return {
            "summary": "The run is under way.",
            "done": False,
            "run": run,
            "next": "train_model with action: status shows its progress.",
        }
    return {
        "summary": f"Trained: policy version {run['policy_version']} serves now.",
        "done": True,
        "run": run,
        "next": "get_optimization (detail: model_state) shows what was learned; "
        "get_results shows the results.",
    }


def _show_or_cancel_run(api: Api, path: str, *, cancel: bool) -> Json:
    runs = api.get(f"{path}/training-runs", limit=1, order_by="created_at")
    if not runs["training_runs"]:
        return {
            "summary": "The model was never trained.",
            "done": False,
            "next": "train_model with action: start.",
        }
    run = runs["training_runs"][0]
    if cancel:
        run = api.post(f"{path}/training-runs/{run['id']}/cancel")
    has_ended = run["status"] not in {"queued", "running"}
    error = f": {run['error']}" if run["error"] else ""
    return {
        "summary": f"The newest run is {run['status']}, at {run['progress']:.0%}{error}.",
        "done": has_ended,
        "run": run,
        "next": 'get_results (refresh: "true").'
        if has_ended
        else "make the same call again in a few seconds.",
    }


TOOL = Tool(
    name="train_model",
    title="Train the model",
    description="Train on all observations and publish a new policy (the service also "
    "does so by itself); show the status of the newest run, or cancel it; or let the "
    "candidate serve (admins). start and promote_candidate change which variants live "
    "traffic gets: they need confirm: true.",
    input_model=TrainInput,
    answer_fields={"done": "b", "run": "o", "changes": "o"},
    run=train_model,
    is_destructive=True,
)
