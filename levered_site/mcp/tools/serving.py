"""Tools: decide for a user, in rehearsal unless told; and explain a decision."""

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
    """Whom to decide for."""

    anonymous_id: AnonymousId
    context: Context = Field(
        default_factory=dict,
        description="Context factor to value, as known of the user.",
    )
    dry_run: bool = Field(
        default=True,
        description="true: decide and record nothing. false: a real serve; the user "
        "keeps the variant and counts in results.",
    )


def serve_variant(api: Api, given: ServeInput) -> Json:
    """Decide by the public endpoint, for an optimization of the caller's own."""
    api.get(given.path)  # serving is public: whose it is, this settles
    body = {
        "anonymous_id": given.anonymous_id,
        "context": given.context,
        "dry_run": given.dry_run,  # written out: the endpoint's own default is a real serve
    }
    decision = api.post(f"{given.path}/serve", body)
    kind = "holdout (baseline)" if decision["in_holdout"] else "optimized arm"
    recorded = (
        "nothing was recorded" if given.dry_run else "recorded, and kept for them"
    )
    return {
        "summary": f"{given.anonymous_id!r} gets variant {decision['variant_number']}, "
        f"{kind}, by policy version {decision['policy_version']}; {recorded}.",
        "decision": decision,
        "recorded": not given.dry_run,
        "next": "dry_run: false serves for real."
        if given.dry_run
        else "explain_decision tells why.",
    }


class ExplainInput(OptimizationInput):
    """Whose decision."""

    anonymous_id: AnonymousId
    cursor: Cursor = None


def explain_decision(api: Api, given: ExplainInput) -> Json:
    """Explain the decision in force; probabilities in pages, largest first."""
    found = api.get(f"{given.path}/decisions/{quote_segment(given.anonymous_id)}")
    receipts = found.pop("receipts")
    chances = sorted(
        found.pop("probabilities"), key=lambda row: row["probability"], reverse=True
    )
    at = found["timestamp"]
    arm = "held out" if found["in_holdout"] else "in the optimized arm"
    about = {
        "summary": f"{given.anonymous_id!r} is {arm} and got variant "
        f"{found['variant_number']} at {at} by policy version {found['policy_version']}, "
        f"with probability {found['propensity']:.4g}. {_describe_reason(found)}",
        "decision": found,
        "receipts_count": len(receipts),
        "next": "get_optimization (detail: contexts) tells what was learned by context.",
    }
    return response_size.paginate_rows(about, "probabilities", chances, given.cursor)


def _describe_reason(found: Json) -> str:
    if found["in_holdout"]:
        return (
            f"The hash of the two ids, {found['holdout_hash']}, is below the holdout's "
            "threshold: such users always get the baseline, to measure lift against."
        )
    return (
        f"The user's draw u = {found['u']:.4g} falls into this variant's share of the "
        "probabilities for their context, variants in number order."
    )


SERVE_TOOL = Tool(
    name="serve_variant",
    title="Decide which variant a user gets",
    description="Which variant would this user get? A dry run that records nothing, "
    "unless dry_run: false makes it a real serve on live traffic.",
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
