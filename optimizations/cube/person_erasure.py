"""Erase a person from the managed store and from serving; sealed figures stay."""

from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from levered_site.errors import InvalidParametersError
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import Organization
from optimizations.cube import erased_remainders
from optimizations.ingestion import erasure
from optimizations.ingestion.erasure import ErasedCounts

# Of two erasures of a person at once, the second finds nothing to count.
LOCK_ERASURES = "SELECT pg_advisory_xact_lock(hashtextextended('erase:' || %s, 0))"

ACTION = "user.erase"


def build_pseudonym(organization_id: str, anonymous_id: str) -> str:
    """Return what the audit log has of an erased person: nobody can tell the id from it."""
    text = f"{organization_id}:{anonymous_id}"
    return salted_hmac("levered.erasure", text).hexdigest()


def erase_user(organization_id: str, anonymous_id: str, actor: Actor) -> ErasedCounts:
    """Erase a person of the organization from the managed store and from serving.

    What the person added to sealed days stays as an anonymous remainder, stored in the
    transaction that deletes the events: a count of such a day sees one of the two.
    The next refresh counts open days without the person. If the person comes back, they
    are a new user.

    Raises InvalidParametersError for an id that no user can have, UnavailableError if the
    store does not answer; then nothing was erased.
    """
    if not 1 <= len(anonymous_id) <= MAX_ANONYMOUS_ID_LENGTH or "\0" in anonymous_id:
        raise InvalidParametersError.for_field(
            "anonymous_id",
            f"must have 1 to {MAX_ANONYMOUS_ID_LENGTH} characters and no NUL",
        )
    organization = Organization.objects.get(pk=organization_id)
    changes = {"person": build_pseudonym(organization_id, anonymous_id)}
    audit.record(organization_id, actor, ACTION, organization, changes)
    rows = erasure.find_person_rows(organization_id, anonymous_id)
    plans = erased_remainders.plan_counts(
        organization_id, anonymous_id, rows.find_touch_days(), timezone.now()
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK_ERASURES, [organization_id])
        remainders = erased_remainders.count_person(organization_id, plans)
        counts = erasure.delete_person(organization_id, anonymous_id, rows)
        erased_remainders.store_remainders(remainders)
    return counts
