"""Admin page of API keys."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.creation import CreatableAdmin, Secret, attach_secret
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.api.csv_sections import RowSection
from levered_site.organizations import api_keys
from levered_site.organizations.admin import key_form
from levered_site.organizations.admin.csv_lists import CsvListMixin
from levered_site.organizations.admin.key_form import KeyForm
from levered_site.organizations.admin.staff_actor import get_staff_actor
from levered_site.organizations.api_keys import KeySpec
from levered_site.organizations.models import ApiKey
from levered_site.organizations.serializers import ApiKeySerializer


class KeyStateFilter(admin.SimpleListFilter):
    """Filter keys by whether they are active, expired or revoked."""

    title = "state"
    parameter_name = "state"

    @override
    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return (("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked"))

    @override
    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        has_expired = Q(expires_at__lte=timezone.now())
        if self.value() == "active":
            return queryset.exclude(has_expired).filter(revoked_at=None)
        if self.value() == "expired":
            return queryset.filter(has_expired, revoked_at=None)
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        return queryset


KEPT_ADVICE = (
    "Levered stores only its digest. Keep it where your programs keep their secrets, and "
    "not in a web page."
)
SHOWN_ADVICE = "It may stand in a web page. The page of the key shows it again."


@admin.register(ApiKey)
class ApiKeyAdmin(AdminActionsMixin, CreatableAdmin, CsvListMixin):
    """API keys and what they may do.

    The service stores only digests of secrets, and this page does not show them. A
    publishable key is public by design and shown.
    """

    create_role = change_role = "owner"
    new_title = "New API key"
    add_form = KeyForm
    add_fieldsets = key_form.LAYOUT

    list_display = (
        *("label", "prefix", "scope_names", "organization", "state"),
        *("expires_at", "last_used_at"),
    )
    list_filter = (("organization", VisibleRowsFilter), KeyStateFilter)
    list_select_related = ("organization",)
    search_fields = ("label", "prefix", "previous_prefix", "organization__name")
    csv_section = RowSection("api_keys", ApiKeySerializer)
    date_hierarchy = None
    fields = (
        ("label", "prefix"),
        ("organization", "state"),
        ("scope_names", "rotation"),
        ("created_at", "expires_at"),
        ("last_used_at", "revoked_at"),
        "public_key",
        "rewards_json",
        "origin_list",
    )
    admin_actions = (
        AdminAction(
            name="revoke",
            title="Revoke",
            question=lambda key: f"Revoke the key “{key}”?",
            confirmation_text=(
                "After this the API rejects the key. You cannot undo it."
            ),
            success_message="Revoked: {}",
            run=lambda key, request: api_keys.revoke_key(key, get_staff_actor(request)),
            icon="key_off",
            variant=ActionVariant.DANGER,
            is_offered=lambda key: key.revoked_at is None,
            confirm_selection=True,
            role="owner",
        ),
    )

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the scopes of a key do not change."""
        return False

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the link that opened the form fills in."""
        return key_form.read_initial(request.GET)

    @override
    def create_object(self, request: HttpRequest, form: Any) -> ApiKey:
        """Create the key as the API's POST does, and show its secret once."""
        key, secret = api_keys.create_key(
            form.cleaned_data["organization"].pk,
            KeySpec(**form.validated_body),
            get_staff_actor(request),
        )
        advice = SHOWN_ADVICE if key.public_key else KEPT_ADVICE
        shown = Secret(f"Key created: {key.label}", "The key", secret, advice)
        attach_secret(key, shown)
        return key

    @declare_column("State", pills=True)
    def state(self, key: ApiKey) -> str:
        """Return whether the key is active, expired or revoked."""
        if key.revoked_at is not None:
            return "revoked"
        return "expired" if key.has_expired(timezone.now()) else "active"

    @declare_column("Scopes")
    def scope_names(self, key: ApiKey) -> str:
        """Return what the key may do."""
        return ", ".join(key.scopes)

    @declare_column("Rotation")
    def rotation(self, key: ApiKey) -> str:
        """Return how long the secret before the last rotation works still."""
        if not key.has_overlap(timezone.now()):
            return html.NO_VALUE
        end = date_format(
            timezone.localtime(key.previous_expires_at), "DATETIME_FORMAT"
        )
        return f"{key.previous_prefix}… works until {end}"

    @declare_column("Rewards")
    def rewards_json(self, key: ApiKey) -> SafeString:
        """Return the rewards that a publishable key may send."""
        return html.render_json(key.rewards)

    @declare_column("Origins")
    def origin_list(self, key: ApiKey) -> str:
        """Return the pages that may use a publishable key."""
        return ", ".join(key.origins) or html.NO_VALUE
