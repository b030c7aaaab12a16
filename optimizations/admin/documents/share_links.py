"""The page of an optimization's share links: who has them listed, made and revoked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.utils import timezone

from levered_site.admin import sent_forms
from levered_site.admin.pages import validate_serializer
from levered_site.errors import LeveredError
from levered_site.organizations.admin import get_staff_actor
from optimizations.models import Optimization, ShareLink
from optimizations.serializers.share_links import ShareLinkBodySerializer
from optimizations.sharing import links

TEMPLATE: Final = "levered_admin/optimization/share.html"


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as the list shows it."""

    id: UUID
    label: str
    state: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    last_opened_at: datetime | None
    times_opened: int


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A new link with its address, which is shown once."""

    label: str
    url: str
    expires_at: datetime


def build_context(
    request: HttpRequest, optimization: Optimization, *, may_share: bool
) -> dict[str, Any]:
    """Return the links that were not revoked, and the form of a new one."""
    now = timezone.now()
    return {
        "links": [_build_row(link, now) for link in optimization.share_links.listed()],
        "may_share": may_share,
        "days": links.DAYS,
        "default_days": links.DEFAULT_DAYS,
        "form_token": sent_forms.get_token(request),
    }


def _build_row(link: ShareLink, now: datetime) -> LinkRow:
    return LinkRow(
        id=link.pk,
        label=link.label,
        state="expired" if link.has_expired(now) else "active",
        made_by=link.created_by.partition(":")[2],
        made_at=link.created_at,
        expires_at=link.expires_at,
        last_opened_at=link.last_opened_at,
        times_opened=link.times_opened,
    )


def make_link(request: HttpRequest, optimization: Optimization) -> Mapping[str, Any]:
    """Make the link that a form describes; return what the page shows of it."""
    try:
        body = _read_body(request)
        with sent_forms.claim_form(request):
            link, url = links.create_link(
                optimization,
                get_staff_actor(request),
                days=body["expires_in_days"],
                label=body["label"],
            )
    except LeveredError as error:
        return {"problem": error.message, "label": request.POST.get("label", "")}
    return {"made": MadeLink(link.label, url, link.expires_at)}


def _read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the form as the API's body. Raises InvalidParametersError."""
    days = request.POST.get("expires_in_days", "")
    sent: dict[str, Any] = {"label": request.POST.get("label", "").strip()}
    sent["expires_in_days"] = int(days) if days.isdecimal() else days
    return validate_serializer(ShareLinkBodySerializer(data=sent))


def revoke_link(request: HttpRequest, optimization: Optimization) -> None:
    """Revoke the link that a form names. Raises Http404 for one of others."""
    try:
        key = UUID(request.POST.get("link", ""))
    except ValueError as error:
        raise Http404 from error
    link = optimization.share_links.listed().filter(pk=key).first()
    if link is None:
        raise Http404
    links.revoke_link(link, get_staff_actor(request))
    messages.success(request, f"Revoked: {link}. It opens nothing any more.")
