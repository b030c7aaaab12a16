"""What a summary keeps of violated guardrails, present and past, when counts are judged."""

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from metrics.models import Metric
from optimizations.configuration import past_violations
from optimizations.models import Optimization, ResultsSummary
from optimizations.models.summary import Json
from optimizations.results.health import redefined_guardrails
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import HealthReason
from optimizations.results.health.redefined_guardrails import PastKey, Verdict


def store_violations(
    row: ResultsSummary,
    guardrails: list[Guardrail],
    reasons: Mapping[UUID, HealthReason],
    revisions: Mapping[UUID, int],
) -> None:
    """Set the violations of a locked summary by guardrails just judged; do not save.

    `revisions` are those that the guardrails were judged by. What was detached or redefined
    since is past. A past violation is over once its guardrail is attached again with
    the same definition and judged: then its status tells.
    """
    attached = _load_attached(row.optimization)
    judged = {
        guardrail.metric_id
        for guardrail in guardrails
        if guardrail.status != "unknown" and guardrail.metric_id in revisions
    }
    row.past_violations = [
        violation
        for violation in row.past_violations
        if not _is_judged_again(violation, attached, judged)
    ]
    row.guardrail_reasons = {}
    missing = Metric.objects.in_bulk(set(reasons).difference(attached))
    for metric_id, reason in reasons.items():
        metric = attached.get(metric_id) or missing.get(metric_id)
        if metric is None:
            continue
        revision = revisions.get(metric_id, metric.revision)
        if metric_id in attached and revision == metric.revision:
            row.guardrail_reasons[str(metric_id)] = asdict(reason)
        else:
            _add_past(row, metric, reason, revision, is_attached=metric_id in attached)


def replace_unknown(row: ResultsSummary, verdicts: Mapping[PastKey, Verdict]) -> None:
    """Replace what was unknown when a guardrail was redefined by verdicts; do not save.

    One that was not violated is over once that is final, and until then no reason.
    """
    kept = []
    for violation in row.past_violations:
        is_unknown = violation["reason"]["code"] == past_violations.NOT_COUNTED
        verdict = verdicts.get(redefined_guardrails.get_key(violation))
        if not is_unknown or verdict is None:
            kept.append(violation)
        elif verdict.reason is not None:
            known = {**violation, "reason": asdict(verdict.reason)}
            known.pop(past_violations.UNDECIDED, None)
            kept.append(known)
        elif not verdict.is_final:
            kept.append({**violation, past_violations.UNDECIDED: True})
    row.past_violations = kept


def _load_attached(optimization: Optimization) -> dict[UUID, Metric]:
    return {metric.pk: metric for metric in optimization.guardrail_metrics.all()}


def _is_judged_again(
    violation: Json, attached: Mapping[UUID, Metric], judged: set[UUID]
) -> bool:
    metric = attached.get(UUID(violation["metric_id"]))
    return (
        metric is not None
        and metric.pk in judged
        and (
            violation["cause"] == past_violations.DETACHED
            # What was not counted is counted again under its definition of then.
            or violation["reason"]["code"] == past_violations.NOT_COUNTED
        )
        and violation["revision"] == metric.revision
        and violation["direction"] == metric.direction
    )


def _add_past(
    row: ResultsSummary,
    metric: Metric,
    reason: HealthReason,
    revision: int,
    *,
    is_attached: bool,
) -> None:
    """Add a violation that ended while it was being judged, unless it is there.

    What was unknown of it is known now.
    """
    key = (str(metric.pk), revision)
    row.past_violations = [
        past
        for past in row.past_violations
        if (past["metric_id"], past["revision"]) != key
        or past["reason"]["code"] != past_violations.NOT_COUNTED
    ]
    if key in {(past["metric_id"], past["revision"]) for past in row.past_violations}:
        return
    cause = past_violations.REDEFINED if is_attached else past_violations.DETACHED
    row.past_violations.append(
        past_violations.build_past_violation(metric, asdict(reason), revision, cause)
    )
