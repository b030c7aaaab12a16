"""Tools: decide which variant a user gets, as a dry run by default; explain a decision."""

from typing import Annotated

from pydantic import Field

from levered_site import limits
from levered_site.mcp import response_size
from levered_site.mcp.arguments import Context, Cursor, OptimizationInput
from levered_site.mcp.rest_api import Api, Json, quote_segment
from levered_site.mcp.tool import Tool

AnonymousId = Annotated[
    str, Field(min_length=1, max_length=limits.MAX_ANONYMOUS_ID_LENGTH)
]


class ServeInput(OptimizationInput):
    """The user to decide for."""

    anonymous_id: AnonymousId
    context: Context = Field(
        default_factory=dict,
        description="Values of the user's context factors, by name.",
    )
    dry_run: bool = Field(
        default=True,
        description="true: record nothing. false: serve for real; the user keeps the "
        "variant and counts in results.",
    )


def serve_variant(api: Api, arguments: ServeInput) -> Json:
    """Decide with the public serve endpoint, for the caller's own optimizations only."""
    # Serving is public; this read refuses an optimization of another organization.
    api.get(arguments.path)
    body = {
        "anonymous_id": arguments.anonymous_id,
        "context": arguments.context,
        "dry_run": arguments.dry_run,  # always sent: the endpoint serves by default
    }
    decision = api.post(f"{arguments.path}/serve", body)
    arm = "holdout (baseline)" if decision["in_holdout"] else "optimized arm"
    outcome = (
        "nothing was recorded"
        if arguments.dry_run
        else "recorded, and the user keeps this variant"
    )
    # Without a key of scope `serve` a dry run looks at no assignment.
    visitor = "gets" if "sticky" in decision else "as a new visitor would get"
    return {
        "summary": f"{arguments.anonymous_id!r} {visitor} variant "
        f"{decision['variant_number']}, {arm}, by policy version "
        f"{decision['policy_version']}; {outcome}.",
        "decision": decision,
        "recorded": not arguments.dry_run,
        "next": "dry_run: false serves for real. explain_decision tells what a user who "
        "was served before keeps."
        if arguments.dry_run
        else "explain_decision explains the decision.",
    }


class ExplainInput(OptimizationInput):
    """The user whose decision to explain."""

    anonymous_id: AnonymousId
    cursor: Cursor = None


def explain_decision(api: Api, arguments: ExplainInput) -> Json:
    """Explain the decision in force, with probabilities in pages, largest first."""
    user = quote_segment(arguments.anonymous_id)
    decision = api.get(f"{arguments.path}/decisions/{user}")
    receipts = decision.pop("receipts")
    probabilities = sorted(
        decision.pop("probabilities"), key=lambda row: row["probability"], reverse=True
    )
    arm = "in the holdout" if decision["in_holdout"] else "in the optimized arm"
    document = {
        "summary": f"{arguments.anonymous_id!r} is {arm} and got variant "
        f"{decision['variant_number']} at {decision['timestamp']} by policy version "
        f"{decision['policy_version']}, with probability "
        f"{decision['propensity']:.4g}. {_describe_reason(decision)}",
        "decision": decision,
        "receipts_count": len(receipts),
        "next": "get_optimization (detail: contexts) shows what was learned by context.",
    }
    return response_size.paginate_rows(
        document, "probabilities", probabilities, arguments.cursor
    )


def _describe_reason(decision: Json) -> str:
    if decision["in_holdout"]:
        return (
            f"The hash of the two ids, {decision['holdout_hash']}, is below the holdout's "
            "threshold: such users always get the baseline, which lift is measured "
            "against."
        )
    if decision["draw_rule"] == "rendezvous":
        return (
            "Of all variants, this one had the smallest -ln(u) / probability, with "
            f"u = {decision['u']:.4g} from the hash of the two ids."
        )
    return (
        f"The user's draw u = {decision['u']:.4g} falls into this variant's share of the "
        "probabilities for their context, variants in number order."
    )


SERVE_TOOL = Tool(
    name="serve_variant",
    title="Decide which variant a user gets",
    description="Which variant would this user get? By default a dry run that records "
    "nothing; dry_run: false serves the user for real.",
    input_model=ServeInput,
    answer_fields={"decision": "o", "recorded": "b"},
    run=serve_variant,
    is_idempotent=True,
)
EXPLAIN_TOOL = Tool(
    name="explain_decision",
    title="Explain a decision",
    description="Why did this user get this variant: arm, policy version, draw, context, "
    "and the probability of every variant at that moment. Only for users served for real.",
    input_model=ExplainInput,
    answer_fields={
        "decision": "o",
        "probabilities": "a",
        "receipts_count": "i",
        "total": "i",
        "next_cursor": "s?",
    },
    run=explain_decision,
    is_read_only=True,
    is_idempotent=True,
)
