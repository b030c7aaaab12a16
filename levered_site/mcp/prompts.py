"""MCP prompts: instructions to an agent for the jobs people do most often."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp.types import (
    GetPromptResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

SET_UP_TEXT = """\
Set up an optimization with Levered for this: {page}
What should get better: {goal}

1. Call `overview`: is there an optimization for this already? Which warehouse is in use?
2. Propose 1 to 3 design factors that could plausibly move the goal, each with 2 to 4 levels,
   the current wording or design first: the first levels together are the baseline. Keep it
   under 30 combinations. Propose context factors only where the best variant may really
   differ by them and the page knows them when it asks. Agree on both with the person.
3. Look for a fitting metric (`explore_warehouse`, look: metrics). If there is none, see what
   events there are (look: tables, columns, query), write the SQL, try it with
   `define_metric` and try_only: true, fix what its errors and warnings name, save it.
4. `create_optimization` as a draft with reward_metric_id, and a guardrail if something must
   not get worse.
5. Show the person the whole setup. Only if they agree: `change_status` to live with
   confirm: true. Then check a few decisions with `serve_variant`, which is a dry run.
6. Write the code that calls POST /api/v2/optimizations/<id>/serve with a stable
   anonymous_id, shows the baseline on any failure or after 300 ms, and sends the reward.
"""
EXPLAIN_TEXT = """\
Explain the results of optimization {optimization_id} to {audience}.

Read `get_results` (summary), then its views progress, guardrails, variants and, where the
optimization has context factors, contexts. Use no figure that you did not read there.

Write half a page in plain words, in this order: what was tried; how many users, since when;
the measured lift over the holdout with its interval (lift_ci_anytime: it stays valid however
often people look) and whether zero is inside; for amounts also `changed` and the companions
that show it; which variant leads, and how sure that is;
whether a guardrail got worse; what to do now: wait (how long, by progress), ship or stop. If
`health` is not ok, begin with its reasons; if it is broken, say that no lift can be trusted.
A null figure is withheld: give the reason under `unavailable`, never a number in its place. Modeled figures
are what the model believes; measured ones are the randomized comparison: do not mix them.
"""
NOT_LEARNING_TEXT = """\
Find out why optimization {optimization_id} is not learning. Stop at the first cause that
explains it, show the evidence, and say what would fix it.

1. `get_optimization`: is it live? Is there a reward metric? Which model status and policy
   version; detail: training_runs: did the last run fail, and with which error?
2. `get_results` view: touches. Are there exposures at all, or does no client call serve? Do
   touches have rewards? If rewards have no touch, compare the ids on both sides.
3. `explore_warehouse` look: preview, of: metrics, with the metric's id: rows, match_rate
   and warnings: ids that match no exposure, times in the future, a missing @start_date.
4. view: progress and cells: users count only after their conversion window has passed.
   Are there too few users for so many variants and contexts?
5. view: summary: health, checks, and the reasons under `unavailable`. detail: model_state:
   do all intervals overlap? Then there may be no difference to learn: a finding, too.
6. If data arrived since the last run: `train_model` with confirm: true, then look again.
"""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt; `text` has a placeholder for each argument; one in `defaults` is optional."""

    title: str
    description: str
    text: str
    arguments: Mapping[str, str]
    defaults: Mapping[str, str]


PROMPT_TEMPLATES = {
    "set_up_optimization": PromptTemplate(
        "Set up an optimization for this page",
        "Turn a page and a goal into a draft that is ready to go live.",
        SET_UP_TEXT,
        {
            "page": "The page, screen or flow: its code, text or address.",
            "goal": "What should get better.",
        },
        {"goal": "sign-ups, purchases, or what the page is for"},
    ),
    "explain_results": PromptTemplate(
        "Explain these results",
        "Explain results and their uncertainty to a manager in plain words.",
        EXPLAIN_TEXT,
        {"optimization_id": "Id of the optimization.", "audience": "Who reads it."},
        {"audience": "a manager who does not know statistics"},
    ),
    "why_not_learning": PromptTemplate(
        "Find out why it is not learning",
        "Check status, runs, events, metric and maturity, one cause after another.",
        NOT_LEARNING_TEXT,
        {"optimization_id": "Id of the optimization."},
        {},
    ),
}
LISTED_PROMPTS = [
    Prompt(
        name=name,
        title=template.title,
        description=template.description,
        arguments=[
            PromptArgument(
                name=argument,
                description=description,
                required=argument not in template.defaults,
            )
            for argument, description in template.arguments.items()
        ],
    )
    for name, template in PROMPT_TEMPLATES.items()
]


def render_prompt(name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """Fill in a prompt. Raises ValueError for an unknown name or a missing argument."""
    template = PROMPT_TEMPLATES.get(name)
    if template is None:
        raise ValueError(
            f"There is no prompt {name[:100]!r}. Prompts: {', '.join(PROMPT_TEMPLATES)}."
        )
    values = {**template.defaults, **arguments}
    missing = [argument for argument in template.arguments if argument not in values]
    if missing:
        raise ValueError(f"The prompt {name} needs {', '.join(missing)}.")
    text = template.text.format_map(
        {argument: values[argument] for argument in template.arguments}
    )
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=template.description, messages=[message])
