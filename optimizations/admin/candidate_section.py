"""An optimization's candidate on its staff page: how it compares, and its deeds."""

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction
from levered_site.organizations.admin import get_staff_actor
from optimizations.models import Candidate, Optimization
from optimizations.off_policy import candidate_report
from optimizations.training import candidates

Status = Optimization.Status


def has_candidate(optimization: Optimization) -> bool:
    """Whether one is tried beside the live model."""
    return Candidate.objects.filter(optimization=optimization).exists()


def render_comparison(optimization: Optimization) -> SafeString | str:
    """What it learns by, and what it would have earned; nothing without one."""
    if not has_candidate(optimization):
        return ""
    found = candidate_report.build_candidate_report(optimization)
    compared = found["comparison"] or {}
    rows = [
        (name, _format_setting(found[name]), _format_setting(found["live"][name]))
        for name in candidates.TRAINING_SETTINGS
    ]
    rows.append(
        (
            "value per user",
            _format_value(compared, "estimators"),
            _format_value(compared, "served"),
        )
    )
    rows.append(("difference", _format_estimate(compared.get("difference")), ""))
    rows.append(("users compared", _format_users(compared), ""))
    why = {**found["unavailable"], **compared.get("unavailable", {})}
    reason = found["error"] or next(iter(why.values()), "")
    return html.render_table(
        ("", "candidate", "live"), [*rows, *_build_note_rows(reason)]
    )


def _build_note_rows(reason: str) -> list[tuple[str, str, str]]:
    return [("withheld", reason, "")] if reason else []


def _format_setting(value: Any) -> str:
    return ", ".join(value) or html.NO_VALUE if isinstance(value, list) else str(value)


def _format_value(compared: dict[str, Any], whose: str) -> str:
    return _format_estimate((compared.get(whose) or {}).get("doubly_robust"))


def _format_estimate(estimate: dict[str, Any] | None) -> str:
    if estimate is None:
        return html.NO_VALUE
    low, high = (html.format_number(limit, 4) for limit in estimate["interval"])
    return f"{html.format_number(estimate['value'], 4)} ({low} to {high})"


def _format_users(compared: dict[str, Any]) -> str:
    users = compared.get("users")
    if users is None:
        return html.NO_VALUE
    return f"{html.format_number(users['used'])}, of whom {users['deciding']} decide"


def promote_candidate(optimization: Optimization, request: HttpRequest) -> None:
    """Put it into the live one's place, as this member of staff."""
    candidates.promote_candidate(optimization, get_staff_actor(request))


def discard_candidate(optimization: Optimization, request: HttpRequest) -> None:
    """Delete it, as this member of staff."""
    candidates.discard_candidate(optimization, get_staff_actor(request))


ACTIONS = (
    AdminAction(
        name="promote",
        title="Promote candidate",
        question="Its newest table serves from now on, and the optimization learns its "
        "way. A training under way is cancelled. The way back is another candidate.",
        done="Promoted: {}",
        act=promote_candidate,
        icon="upgrade",
        variant=ActionVariant.SUCCESS,
        is_offered=lambda it: (
            it.status in {Status.LIVE, Status.PAUSED} and has_candidate(it)
        ),
        confirm=True,
    ),
    AdminAction(
        name="discard",
        title="Discard candidate",
        question="The candidate and the tables it made are deleted. What serves stays.",
        done="Candidate discarded: {}",
        act=discard_candidate,
        icon="delete_sweep",
        variant=ActionVariant.DANGER,
        is_offered=has_candidate,
        confirm=True,
    ),
)
