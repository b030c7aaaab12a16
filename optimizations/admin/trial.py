"""An optimization's candidate on its staff page: how it compares, and its deeds."""

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import Deed
from levered_site.organizations.admin import actor
from optimizations.models import Candidate, Optimization
from optimizations.off_policy import candidate_report
from optimizations.training import candidates

Status = Optimization.Status


def has_candidate(optimization: Optimization) -> bool:
    """Whether one is tried beside the live model."""
    return Candidate.objects.filter(optimization=optimization).exists()


def table(optimization: Optimization) -> SafeString | str:
    """What it learns by, and what it would have earned; nothing without one."""
    if not has_candidate(optimization):
        return ""
    found = candidate_report.of(optimization)
    compared = found["comparison"] or {}
    rows = [
        (name, _shown(found[name]), _shown(found["live"][name]))
        for name in candidates.SETTINGS
    ]
    rows.append(
        ("value per user", _value(compared, "estimators"), _value(compared, "served"))
    )
    rows.append(("difference", _interval(compared.get("difference")), ""))
    rows.append(("users compared", _users(compared), ""))
    why = {**found["unavailable"], **compared.get("unavailable", {})}
    reason = found["error"] or next(iter(why.values()), "")
    return html.table(("", "candidate", "live"), [*rows, *_note(reason)])


def _note(reason: str) -> list[tuple[str, str, str]]:
    return [("withheld", reason, "")] if reason else []


def _shown(value: Any) -> str:
    return ", ".join(value) or html.NOTHING if isinstance(value, list) else str(value)


def _value(compared: dict[str, Any], whose: str) -> str:
    return _interval((compared.get(whose) or {}).get("doubly_robust"))


def _interval(estimate: dict[str, Any] | None) -> str:
    if estimate is None:
        return html.NOTHING
    low, high = (html.figure(limit, 4) for limit in estimate["interval"])
    return f"{html.figure(estimate['value'], 4)} ({low} to {high})"


def _users(compared: dict[str, Any]) -> str:
    users = compared.get("users")
    if users is None:
        return html.NOTHING
    return f"{html.figure(users['used'])}, of whom {users['deciding']} decide"


def promote(optimization: Optimization, request: HttpRequest) -> None:
    """Put it into the live one's place, as this member of staff."""
    candidates.promote(optimization, actor(request))


def discard(optimization: Optimization, request: HttpRequest) -> None:
    """Delete it, as this member of staff."""
    candidates.discard(optimization, actor(request))


DEEDS = (
    Deed(
        name="promote",
        title="Promote candidate",
        question="Its newest table serves from now on, and the optimization learns its "
        "way. A training under way is cancelled. The way back is another candidate.",
        done="Promoted: {}",
        act=promote,
        icon="upgrade",
        variant=ActionVariant.SUCCESS,
        offered=lambda it: (
            it.status in {Status.LIVE, Status.PAUSED} and has_candidate(it)
        ),
        confirm=True,
    ),
    Deed(
        name="discard",
        title="Discard candidate",
        question="The candidate and the tables it made are deleted. What serves stays.",
        done="Candidate discarded: {}",
        act=discard,
        icon="delete_sweep",
        variant=ActionVariant.DANGER,
        offered=has_candidate,
        confirm=True,
    ),
)
