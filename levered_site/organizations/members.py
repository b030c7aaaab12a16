"""Organizations and members, created by the first valid token that names them."""

from datetime import datetime, timedelta

from django.utils import timezone

from levered_site.organizations.models import Member, Organization
from levered_site.organizations.tokens import Identity

LAST_SEEN_INTERVAL = timedelta(minutes=1)  # at most one write a minute per member


def upsert_member(identity: Identity) -> None:
    """Create the organization and member of a token, or update role and last_seen_at.

    Safe if the same first token arrives twice at once.
    """
    caller, now = identity.caller, timezone.now()
    members = Member.objects.filter(
        organization_id=caller.organization_id, user_id=caller.user_id
    )
    member = members.only("role", "last_seen_at").first()
    if member is None:
        _create_member(identity)
    elif member.role != caller.role or not _was_seen_lately(member, now):
        members.update(role=caller.role, last_seen_at=now)


def _was_seen_lately(member: Member, now: datetime) -> bool:
    seen_at = member.last_seen_at
    return seen_at is not None and seen_at >= now - LAST_SEEN_INTERVAL


def _create_member(identity: Identity) -> None:
    caller = identity.caller
    organization = Organization(
        id=caller.organization_id, name=identity.organization_name
    )
    Organization.objects.bulk_create([organization], ignore_conflicts=True)
    member = Member(
        organization_id=caller.organization_id,
        user_id=caller.user_id,
        role=caller.role,
        last_seen_at=timezone.now(),
    )
    Member.objects.bulk_create([member], ignore_conflicts=True)
