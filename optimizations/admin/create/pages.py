"""What the page of each step shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from django.contrib.admin import site
from django.http import HttpRequest
from django.urls import reverse

from levered_site.organizations.admin import get_staff_roles
from metrics.models import Metric
from optimizations.admin.create import (
    choices,
    expected_days,
    factor_views,
    review,
    storage,
    traffic_fields,
    variant_grid,
)
from optimizations.admin.create.answers import STEP_TITLES, Step
from optimizations.admin.create.draft import Draft
from optimizations.admin.create.factor_views import Messages
from optimizations.admin.create.problems import locate_error, validate_body
from optimizations.admin.create.storage import Form
from optimizations.configuration.creation_refusals import find_creation_refusals
from optimizations.models import Optimization

ROUTE: Final = "admin:optimizations_optimization_create"
REWARD_TYPES: Final = (
    ("bool", "Whether a user converts"),
    ("numeric", "An amount per user"),
    ("outcomes", "Weighted outcomes"),
)
MODEL_TYPES: Final = (
    ("cmab", "Learn what is best in each context"),
    ("mab", "Learn one answer for everybody; takes no context factors"),
)


@dataclass(frozen=True, slots=True)
class StepLink:
    """A step in the list of steps."""

    step: Step
    number: int
    title: str
    is_current: bool
    is_done: bool
    problems: int


def build_path(form: Form, step: str) -> str:
    """Return the path of a step's page."""
    return reverse(ROUTE, args=[form.pk, step])


def build_page(
    request: HttpRequest, form: Form, draft: Draft, step: Step
) -> dict[str, Any]:
    """Return the context of a step's template."""
    refusal = ""
    if step == "review" and not draft.problems:
        draft, refusal = _add_refusals(draft)
    # A step that the user has not continued from is not finished: nothing is wrong yet.
    is_checked = draft.answers.get_saved(step).is_checked
    shown = draft.list_step_problems(step) if is_checked else []
    messages = factor_views.group_messages(shown)
    builders: Mapping[Step, Any] = {
        "goal": _build_goal,
        "factors": _build_factors,
        "traffic": _build_traffic,
        "review": _build_review,
    }
    return {
        "title": f"New optimization: {STEP_TITLES[step]}",
        "name": draft.answers.goal.name,
        "opts": Optimization._meta,
        "step": step,
        "steps": _list_steps(draft, step),
        "path": build_path(form, step),
        "problems": shown,
        "messages_by_field": messages,
        "saved": draft.answers.get_saved(step),
        "live_refusal": refusal,
        **builders[step](request, form, draft, messages),
    }


def _list_steps(draft: Draft, current: Step) -> list[StepLink]:
    links = []
    for number, (step, title) in enumerate(STEP_TITLES.items(), start=1):
        is_checked = draft.answers.get_saved(step).is_checked
        is_shown = is_checked or current == "review"
        problems = len(draft.list_step_problems(step)) if is_shown else 0
        is_done = is_checked and not problems
        links.append(StepLink(step, number, title, step == current, is_done, problems))
    return links


def _build_goal(
    request: HttpRequest, form: Form, draft: Draft, messages: Messages
) -> dict[str, Any]:
    goal, organization_id = draft.answers.goal, draft.get_organization_id()
    searches = goal.searches
    organizations = choices.load_organizations(
        get_staff_roles(request), draft.organization, searches.get("organization", "")
    )
    return {
        "goal": goal,
        "organization": draft.organization,
        "has_organizations": len(organizations.choices) > 1,
        "organizations": organizations,
        "metrics": choices.load_metrics(
            organization_id, goal, draft.metric, searches.get("metric", "")
        ),
        "guardrails": choices.load_guardrails(
            organization_id, draft.guardrails, searches.get("guardrails", "")
        ),
        "metric": draft.metric,
        "counting": choices.describe_counting(draft.metric) if draft.metric else "",
        "reward_types": REWARD_TYPES,
        "may_add_metric": site.get_model_admin(Metric).has_add_permission(request),
        "unfinished": _list_others(form, draft),
        "problems_of": {
            name: messages.get(name, ())
            for name in (
                *("name", "organization", "metric"),
                *("guardrails", "reward_name", "reward_type"),
            )
        },
    }


def _list_others(form: Form, draft: Draft) -> Sequence[Any]:
    """Return the user's other unfinished forms, while this one is new."""
    if draft.answers.saved:
        return ()
    others = storage.list_unfinished(form.user_id)
    return [
        (pk, name, saved_at, reverse(ROUTE, args=[pk, "goal"]))
        for pk, name, saved_at in others
        if pk != form.pk
    ]


def _build_factors(
    _request: HttpRequest, _form: Form, draft: Draft, messages: Messages
) -> dict[str, Any]:
    factors = draft.answers.factors
    grid = variant_grid.build_grid(factors)
    return {
        "design": factor_views.build_factor_views(factors, "design", messages),
        "context": factor_views.build_factor_views(factors, "context", messages),
        "combined": [row for row in factors.list_filled("design") if row.list_filled()],
        "level_kinds": factor_views.LEVEL_KINDS,
        "model_types": MODEL_TYPES,
        "model_type": factors.model_type,
        "contexts": variant_grid.count_contexts(factors),
        "grid": grid,
        "exclusion_problems": [
            message
            for field, found in messages.items()
            if field.startswith("exclusion-") or field == "variants"
            for message in found
        ],
        "problems_of": {
            name: messages.get(name, ()) for name in ("design", "context", "model_type")
        },
    }


def _build_traffic(
    _request: HttpRequest, _form: Form, draft: Draft, messages: Messages
) -> dict[str, Any]:
    values = draft.answers.traffic.values
    is_connected = choices.is_connected(draft.organization)
    return {
        "fields": [
            {
                "field": field,
                "text": values.get(field.name, ""),
                "default": traffic_fields.describe_default(field),
                "placeholder": traffic_fields.describe_placeholder(field),
                "range": traffic_fields.describe_range(field),
                "problems": messages.get(field.name, ()),
            }
            for field in traffic_fields.FIELDS
            if field.kind != "source" or is_connected
        ],
        "is_connected": is_connected,
        "sources": choices.load_sources(draft.organization),
        "expected_days": expected_days.estimate_days(draft.body.fields),
    }


def _build_review(
    _request: HttpRequest, _form: Form, draft: Draft, _messages: Messages
) -> dict[str, Any]:
    named = review.Named(
        draft.organization.name if draft.organization else "",
        draft.metric,
        [metric.name for metric in draft.guardrails],
        choices.load_sources(draft.organization),
    )
    grid = variant_grid.build_grid(draft.answers.factors)
    is_connected = choices.is_connected(draft.organization)
    return {
        "problems": draft.problems,
        "sections": review.build_review(draft.answers, named, grid),
        "warehouse": "" if is_connected else review.MANAGED,
        "digest": draft.compute_digest(),
        "body": orjson.dumps(draft.body.fields, option=orjson.OPT_INDENT_2).decode(),
        "expected_days": expected_days.estimate_days(draft.body.fields),
    }


def _add_refusals(draft: Draft) -> tuple[Draft, str]:
    """Return the draft with what creating is refused for, and why it cannot go live.

    The second is empty where it can, or where nothing can be created.
    """
    organization_id = draft.get_organization_id()
    refusals = find_creation_refusals(
        organization_id,
        validate_body(draft.body.fields, organization_id),
        is_connected=choices.is_connected(draft.organization),
    )
    if refusals.draft is not None:
        return replace(draft, problems=locate_error(draft.body, refusals.draft)), ""
    if refusals.live is None:
        return draft, ""
    reasons = locate_error(draft.body, refusals.live)
    return draft, " ".join(reason.summary for reason in reasons)
