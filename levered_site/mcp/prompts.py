"""Prompts: the jobs people really do, as instructions to an agent that has the tools."""

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

1. Call `overview`: is there one for this already? Which warehouse is it?
2. Propose 1 to 3 design factors that could plausibly move the goal, each with 2 to 4 levels,
   the present wording or design first: the first levels together are the baseline. Keep it
   under 30 combinations. Propose context factors only where the best variant may really
   differ by them and the caller knows them when asking. Agree on both with the person.
3. Look for a fitting metric (`explore_warehouse`, look: metrics). If there is none, see what
   events there are (look: tables, columns, query), write the SQL, try it with
   `define_metric` and try_only: true, mend what its errors and warnings name, save it.
4. `create_optimization` as a draft with reward_metric_id, and a guardrail if something must
   not suffer. Check a few decisions with `serve_variant` once it is live; it is a dry run.
5. Show the person the whole setup. Only with their word: `change_status` to live with
   confirm: true.
6. Write the code that asks POST /api/v2/optimizations/<id>/serve with a stable
   anonymous_id, shows the baseline on any failure or after 300 ms, and sends the reward.
"""
EXPLAIN_TEXT = """\
Explain the results of optimization {optimization_id} to {audience}.

Read `get_results` (summary), then its views progress, guardrails, variants and, where the
optimization has context factors, contexts. Use no figure that you did not read there.

Write half a page in plain words, in this order: what was tried; how many users, since when;
the measured lift over the holdout with its interval (lift_ci_anytime: it holds although
people look often) and whether zero is inside; which variant leads, and how sure that is;
whether a guardrail suffers; what to do now: wait (how long, by progress), ship or stop. If
a check is not ok, say first that the lift must not be trusted, and why. A null figure is
withheld: give the reason under `unavailable`, never a number in its place. Modeled figures
are what the model believes; measured ones are the randomized comparison: do not mix them.
"""
NOT_LEARNING_TEXT = """\
Find out why optimization {optimization_id} is not learning. Stop at the first cause that
explains it, show the evidence, and say what would mend it.

1. `get_optimization`: is it live? Is there a reward metric? Which model status and policy
   version; detail: training_runs: did the last run fail, and with which error?
2. `get_results` view: touches. Are there exposures at all (nobody calls serve)? Do touches
   have rewards? Rewards without a touch: compare the ids on both sides.
3. `explore_warehouse` look: preview, of: metrics, with the metric's id: rows, match_rate
   and warnings: ids that match no exposure, times in the future, a missing @start_date.
4. view: progress and cells: users are counted only when the conversion window has passed.
   Are there too few users for so many variants and contexts?
5. view: summary: checks, and the reasons under `unavailable`. detail: model_state: do all
   intervals overlap? Then there may be no difference to learn, which is a finding too.
6. If data came since: `train_model`, and after a confirm look again.
"""


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt: its text has a place for every argument; those with defaults are optional."""

    title: str
    description: str
    text: str
    arguments: Mapping[str, str]
    defaults: Mapping[str, str]


PROMPT_TEMPLATES = {
    "set_up_optimization": PromptTemplate(
        "Set up an optimization for this page",
        "From a page and a goal to a draft that is ready to go live.",
        SET_UP_TEXT,
        {
            "page": "The page, screen or flow: its code, text or address.",
            "goal": "What should get better.",
        },
        {"goal": "sign-ups, purchases, or what the page is for"},
    ),
    "explain_results": PromptTemplate(
        "Explain these results",
        "Results in plain words, with their uncertainty, for a manager.",
        EXPLAIN_TEXT,
        {"optimization_id": "Which one.", "audience": "For whom."},
        {"audience": "a manager who does not know statistics"},
    ),
    "why_not_learning": PromptTemplate(
        "Find out why it is not learning",
        "From status and runs to events, metric and maturity, cause by cause.",
        NOT_LEARNING_TEXT,
        {"optimization_id": "Which one."},
        {},
    ),
}
LISTED_PROMPTS = [
    Prompt(
        name=name,
        title=job.title,
        description=job.description,
        arguments=[
            PromptArgument(
                name=argument,
                description=words,
                required=argument not in job.defaults,
            )
            for argument, words in job.arguments.items()
        ],
    )
    for name, job in PROMPT_TEMPLATES.items()
]


def render_prompt(name: str, given: Mapping[str, str]) -> GetPromptResult:
    """Word a prompt. Raises ValueError saying what is there or what is missing."""
    job = PROMPT_TEMPLATES.get(name)
    if job is None:
        raise ValueError(
            f"There is no prompt {name[:100]!r}. There are: {list(PROMPT_TEMPLATES)}."
        )
    filled = {**job.defaults, **given}
    missing = [argument for argument in job.arguments if argument not in filled]
    if missing:
        raise ValueError(f"{name} needs {', '.join(missing)}.")
    said = job.text.format_map({each: filled[each] for each in job.arguments})
    message = PromptMessage(role="user", content=TextContent(type="text", text=said))
    return GetPromptResult(description=job.description, messages=[message])
