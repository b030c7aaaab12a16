"""One visitor of an optimization: decisions, exposures, and rewards that are in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from levered_site.errors import InvalidParametersError, LeveredError, NotFoundError
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from levered_site.organizations.models import AuditEntry
from optimizations.configuration import recording_gaps
from optimizations.cube import person_erasure
from optimizations.models import Assignment, Decision, FirstTouch, Optimization
from optimizations.results import visitor_events
from optimizations.results.visitor_events import (
    AFTER_HORIZON,
    CountingRules,
    JudgedReward,
    SentEvent,
)
from optimizations.serving import explanation
from optimizations.serving.explanation import DecisionReceipt
from warehouse import connections

BEFORE_FIRST = timedelta(days=1)
AHEAD = timedelta(days=1)  # how far events may be dated
IN_A_WAREHOUSE = "Exposures and rewards are counted in the connected warehouse, and are not read here."
NO_NAMES = (
    "The reward metric's query could not be read now, so rewards of every name are shown as "
    "if it took them."
)


class ExplainedDecision(NamedTuple):
    """A receipt, how it came about, or why that cannot be told any more."""

    receipt: Decision
    explained: DecisionReceipt | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class VisitorHistory:
    """All that is known of a visitor, the oldest first.

    Attributes
    ----------
    assignment: of a visitor whose receipts are past their retention.
    touches: the moments of exposures that count.
    is_excluded: whether results leave the visitor out.
    notes: what is not known, and why.

    """

    anonymous_id: str
    decisions: Sequence[ExplainedDecision]
    assignment: Assignment | None
    exposures: Sequence[SentEvent]
    touches: Sequence[datetime]
    rewards: Sequence[JudgedReward]
    rules: CountingRules
    is_excluded: bool
    as_of: datetime
    notes: Sequence[str] = ()


def load_visitor_history(
    optimization: Optimization, anonymous_id: str
) -> VisitorHistory:
    """Return what is known of a visitor.

    Raises InvalidParametersError for what is no id, and NotFoundError for an unknown
    visitor, which says when the person's data were erased, if they were.
    """
    require_id(anonymous_id)
    own = {"optimization_id": optimization.pk, "anonymous_id": anonymous_id}
    receipts = list(Decision.objects.filter(**own).order_by("decided_at", "id"))
    now = timezone.now()
    start = receipts[0].decided_at if receipts else None
    assignment = None
    if start is None:
        assignment = Assignment.objects.filter(**own).first()
        start = _find_start(assignment, FirstTouch.objects.filter(**own).first())
    horizon = read_hours(optimization, "horizon_hours")
    events, names, notes = _load_events(
        optimization,
        anonymous_id,
        now - visitor_events.MAX_DAYS if start is None else start - BEFORE_FIRST,
        now + AHEAD if start is None else start + horizon + AFTER_HORIZON,
    )
    if not receipts and assignment is None and not events:
        raise NotFoundError(_explain_unknown(optimization, anonymous_id))
    touches = visitor_events.find_touches(
        [receipt.decided_at for receipt in receipts],
        events,
        recording_gaps.list_gaps(optimization),
    )
    # The serve record is the first touch where there is one.
    first_touch = receipts[0].decided_at if receipts else min(touches, default=None)
    rules = CountingRules(
        first_touch=first_touch,
        attribution=optimization.model.training_data_config["attribution"]["type"],
        window=read_hours(optimization, "conversion_window_hours"),
        horizon=horizon,
        reward_names=names,
    )
    return VisitorHistory(
        anonymous_id=anonymous_id,
        decisions=explain_decisions(optimization, receipts),
        assignment=assignment,
        exposures=[event for event in events if event.kind == "exposure"],
        touches=touches,
        rewards=visitor_events.judge_rewards(events, rules, touches),
        rules=rules,
        is_excluded=is_excluded(optimization, anonymous_id),
        as_of=now,
        notes=notes,
    )


def _find_start(
    assignment: Assignment | None, touch: FirstTouch | None
) -> datetime | None:
    """Return when a visitor without receipts was first met, as far as that is stored."""
    if touch is not None:
        return touch.touched_at
    return None if assignment is None else assignment.decided_at


def require_id(anonymous_id: str) -> None:
    """Raise InvalidParametersError for what no visitor can have as an id."""
    if len(anonymous_id) > MAX_ANONYMOUS_ID_LENGTH or "\0" in anonymous_id:
        raise InvalidParametersError(
            f"An anonymous id has at most {MAX_ANONYMOUS_ID_LENGTH} characters and no NUL: "
            "look up the id that your application sends."
        )


def read_hours(optimization: Optimization, name: str) -> timedelta:
    """Return a duration of the attribution."""
    attribution = optimization.model.training_data_config["attribution"]
    return timedelta(hours=attribution[name])


def explain_decisions(
    optimization: Optimization, receipts: Sequence[Decision]
) -> list[ExplainedDecision]:
    """Return each receipt with how it came about, as far as its version is stored."""
    stored_versions = explanation.load_versions(optimization, receipts)
    decisions = []
    for receipt in receipts:
        try:
            explained = explanation.explain_receipt(
                optimization, receipt, stored_versions
            )
        except NotFoundError as error:
            decisions.append(ExplainedDecision(receipt, None, error.message))
        else:
            decisions.append(ExplainedDecision(receipt, explained))
    return decisions


def is_excluded(optimization: Optimization, anonymous_id: str) -> bool:
    """Return whether results leave the visitor out: by the id, or by its beginning."""
    return any(
        anonymous_id.startswith(text[:-1])
        if text.endswith("*")
        else anonymous_id == text
        for text in optimization.excluded_users
    )


def _load_events(
    optimization: Optimization, anonymous_id: str, since: datetime, until: datetime
) -> tuple[list[SentEvent], tuple[str, ...] | None, list[str]]:
    """Return the events, the names of rewards that the metric reads, and notes."""
    try:
        warehouse = connections.load_backend(optimization.organization_id)
    except LeveredError:  # its credentials cannot be read: it is a connected one
        return [], None, [IN_A_WAREHOUSE]
    if not warehouse.is_managed:
        return [], None, [IN_A_WAREHOUSE]
    events = visitor_events.load_events(optimization, anonymous_id, since, until)
    metric = optimization.reward_metric
    if metric is None or not any(event.kind == "reward" for event in events):
        return events, None, []
    try:
        checked = warehouse.validate_metric(metric.sql, metric.column_mapping)
    except LeveredError:
        return events, None, [NO_NAMES]
    return events, checked.query.reward_names, []


def _explain_unknown(optimization: Optimization, anonymous_id: str) -> str:
    """Return why nothing is known of a visitor."""
    organization_id = optimization.organization_id
    person = person_erasure.build_pseudonym(organization_id, anonymous_id)
    erasure = AuditEntry.objects.filter(
        organization_id=organization_id,
        target_id=organization_id,
        action=person_erasure.ACTION,
        changes__person=person,
    ).first()
    if erasure is not None:
        return (
            f"The data of this visitor were erased on {erasure.created_at:%Y-%m-%d}. "
            "Nothing tells any more what they were shown; only anonymous counts are left."
        )
    return (
        f"No visitor “{anonymous_id}” is known here. Ids match exactly, upper and lower "
        "case included: compare it with the anonymous_id that your application sends. "
        f"Receipts are kept for {settings.RETENTION_DAYS:,} days."
    )
