"""The log-in form of the admin: failed attempts leave an audit entry."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.forms import AuthenticationForm

from levered_site.admin import login_metrics
from levered_site.api import requests
from levered_site.organizations.models import AuditEntry


class StaffLoginForm(AuthenticationForm):
    """Count each attempt, and record the failed ones."""

    def clean(self) -> dict[str, Any]:
        """Check name and password. Raise ValidationError if they are not staff's."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            login_metrics.count_login("failed")
            record_failed_login(self.request, self.cleaned_data.get("username", ""))
            raise
        if self.get_user() is not None:
            login_metrics.count_login("succeeded")
        return cleaned


def record_failed_login(request: HttpRequest, username: str) -> None:
    """Append an audit entry of no organization, by the network that tried.

    It names the user only if there is one: people type passwords into the wrong field.
    """
    user = User.objects.filter(username=username).first()
    network = requests.get_client_network(request)
    AuditEntry.objects.create(
        organization=None,
        actor_kind="public",
        actor_id=network[:128],
        action="staff.login_failed",
        target_type=User._meta.label_lower,
        target_id=str(user.pk) if user else "",
        target_name=user.username if user else "",
        changes={"is_known_user": user is not None},
        before={},
        request_id=requests.get_request_id()[:64],
    )
