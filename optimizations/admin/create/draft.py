"""The answers with what they refer to, as the user may see it, and their problems."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from levered_site.json_text import dump_json
from levered_site.organizations.models import Organization
from levered_site.organizations.staff_roles import StaffRoles
from metrics.models import Metric
from optimizations.admin.create import choices
from optimizations.admin.create.answers import NO_METRIC, Answers
from optimizations.admin.create.body import Body, build_body
from optimizations.admin.create.problems import Problem, find_problems


@dataclass(frozen=True, slots=True)
class Draft:
    """What the answers stand for. An organization is one in which the user may create."""

    answers: Answers
    organization: Organization | None
    metric: Metric | None
    guardrails: Sequence[Metric]
    body: Body
    problems: Sequence[Problem]

    def get_organization_id(self) -> str:
        """Return the id of the organization, or an empty text."""
        return self.organization.pk if self.organization else ""

    def list_step_problems(self, step: str) -> list[Problem]:
        """Return the problems of one step."""
        return [
            problem
            for problem in self.problems
            if problem.place and problem.place.step == step
        ]

    def compute_digest(self) -> str:
        """Return a short text that changes with whatever would be created."""
        document = dump_json([self.get_organization_id(), self.body.fields])
        return hashlib.sha256(document).hexdigest()[:16]


def compose_draft(answers: Answers, roles: StaffRoles) -> Draft:
    """Look up what the answers name; what is not the user's counts as not chosen."""
    organization = choices.find_organization(roles, answers.goal.organization)
    organization_id = organization.pk if organization else ""
    chosen = (answers.goal.metric, *answers.goal.guardrails)
    metrics = choices.find_metrics(organization_id, chosen)
    metric = next((row for row in metrics if str(row.pk) == answers.goal.metric), None)
    guardrails = [row for row in metrics if str(row.pk) in answers.goal.guardrails]
    is_chosen = metric is not None or answers.goal.metric == NO_METRIC
    goal = replace(
        answers.goal,
        organization=organization_id,
        metric=answers.goal.metric if is_chosen else "",
        guardrails=answers.goal.guardrails if organization else (),
    )
    known = replace(answers, goal=goal)
    body = build_body(known, metric)
    problems = find_problems(known, body, organization_id, guardrails)
    return Draft(known, organization, metric, guardrails, body, problems)
