"""Make, revoke, list and open the share links of an optimization."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from levered_site.errors import ConflictError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from optimizations.models import Optimization, ShareLink
from optimizations.sharing import tokens

DAYS: Final = (7, 30, 90)  # a link may work for
DEFAULT_DAYS: Final = 30
MAX_LINKS: Final = 100  # of one optimization that work at the same time
ROUTE: Final = "shared/"
OPENED: Final = "share_link.open"  # the one entry of the audit log that is no change
# One statement, so that a link which is revoked at the same moment is not opened.
OPEN_SQL: Final = """
UPDATE optimizations_sharelink AS link
SET last_opened_at = %(now)s, times_opened = times_opened + 1
FROM optimizations_optimization AS optimization
WHERE optimization.id = link.optimization_id AND optimization.deleted_at IS NULL
  AND link.digest = %(digest)s AND link.revoked_at IS NULL AND link.expires_at > %(now)s
RETURNING link.*
"""


@transaction.atomic
def create_link(
    optimization: Optimization, actor: Actor, *, days: int, label: str = ""
) -> tuple[ShareLink, str]:
    """Create a link that works for `days`. Return it with its address.

    The address is not stored. Raises ConflictError where as many links work as may.
    """
    now = timezone.now()
    rows = Optimization.objects.select_for_update(of=("self",), no_key=True)
    optimization = rows.get(pk=optimization.pk)
    count = optimization.share_links.working(now).count()
    if count >= MAX_LINKS:
        raise ConflictError(
            f"{MAX_LINKS} links to these results work, and no more may: revoke one first."
        )
    token = tokens.make_token()
    link = ShareLink.objects.create(
        optimization=optimization,
        label=label,
        digest=tokens.compute_digest(token),
        created_by=str(actor),
        expires_at=now + timedelta(days=days),
    )
    _record(link, actor, "share_link.create", _describe_link(link))
    return link, f"{settings.PUBLIC_URL}/{ROUTE}{token}"


@transaction.atomic
def revoke_link(link: ShareLink, actor: Actor) -> None:
    """Revoke a link, at once. One that was revoked stays as it is."""
    now = timezone.now()
    if ShareLink.objects.listed().filter(pk=link.pk).update(revoked_at=now):
        _record(link, actor, "share_link.revoke", {"id": link.pk}, _describe_link(link))


@transaction.atomic
def open_link(
    token: str, rows: QuerySet[Optimization] | None = None
) -> ShareLink | None:
    """Return the link of a token and record that it was opened; None if none works.

    Its optimization is read through `rows`, which say what to read with it. Who opened it
    is not known, and nothing of them is stored.
    """
    now, digest = timezone.now(), tokens.read_digest(token)
    if digest is None:
        return None
    parameters = {"digest": digest, "now": now}
    for link in ShareLink.objects.raw(OPEN_SQL, parameters):
        present = Optimization.objects.all() if rows is None else rows
        link.optimization = present.get(pk=link.optimization_id)
        actor = Actor("public", f"share_link:{link.pk}")
        _record(link, actor, OPENED, {"id": link.pk, "label": link.label})
        return link
    return None


def _describe_link(link: ShareLink) -> dict[str, Any]:
    return {"id": link.pk, "label": link.label, "expires_at": link.expires_at}


def _record(
    link: ShareLink,
    actor: Actor,
    action: str,
    changes: Mapping[str, Any],
    before: Mapping[str, Any] = audit.NOTHING,
) -> None:
    """Write the audit entry of the optimization, whose history shows its links."""
    optimization = link.optimization
    organization_id = optimization.organization_id
    audit.record(organization_id, actor, action, optimization, changes, before=before)
