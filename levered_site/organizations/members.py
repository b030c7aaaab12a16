"""Whom a valid token brings here: the organization and its members, made on sight."""

from datetime import timedelta

from django.utils import timezone

from levered_site.organizations.models import Member, Organization
from levered_site.organizations.tokens import Identity

LAST_SEEN_INTERVAL = timedelta(minutes=1)  # no more than one write a minute per member


def upsert_member(identity: Identity) -> None:
    """Know the caller: create what is new, refresh the role, note when they were seen.

    Safe against the same first token arriving twice at once.
    """
    caller, now = identity.caller, timezone.now()
    members = Member.objects.filter(
        organization_id=caller.organization_id, user_id=caller.user_id
    )
    known = members.values_list("role", "last_seen_at").first()
    if known is None:
        _create_member(identity)
    elif known[0] != caller.role or not known[1] or known[1] < now - LAST_SEEN_INTERVAL:
        members.update(role=caller.role, last_seen_at=now)


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
