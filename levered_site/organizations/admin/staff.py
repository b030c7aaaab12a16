"""Admin pages of staff accounts, their groups and the changes to both."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from levered_site.admin.checkbox_list import CheckboxListsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.edit_forms import ConcurrentEditForm
from levered_site.admin.pages import ConcurrentEditAdmin, ReadOnlyAdmin
from levered_site.admin.roles import RoleName
from levered_site.organizations.admin import staff_rights

admin.site.unregister([User, Group])


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Changes to staff accounts and groups, as Django's forms record them."""

    list_display = ("action_time", "user", "content_type", "object_repr", "change_text")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag",)
    search_fields = ("object_repr", "user__username")
    fields = (("action_time", "user"), ("content_type", "object_id"), "change_text")

    @override
    def has_role(self, request: HttpRequest, role: RoleName, obj: Any = None) -> bool:
        """Return whether the user has the right to view the entries: no role gives it."""
        return bool(request.user.has_perm("admin.view_logentry"))

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Return entries of users and groups; superusers see those of all pages."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        kinds = ContentType.objects.get_for_models(User, Group)
        return rows.filter(content_type__in=kinds.values())

    @declare_column("Change")
    def change_text(self, entry: LogEntry) -> str:
        """Return the change in words."""
        return entry.get_change_message() or entry.get_action_flag_display()


class GuardedRightsAdmin(ConcurrentEditAdmin):
    """Users and groups: nobody touches one whose rights, or members', are above them."""

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change what is above them, including a password."""
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and not _is_above(request, obj)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete what is above them, also not among several of a list."""
        allowed = bool(super().has_delete_permission(request, obj))
        return allowed and not _is_above(request, obj)


if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
else:
    BaseUserAdmin = UserAdmin  # generic for the type checker only


class StaffForm(ConcurrentEditForm, UserChangeForm):
    """The settings of a user; the password has a page of its own."""


@admin.register(User)
class StaffAdmin(CheckboxListsMixin, GuardedRightsAdmin, BaseUserAdmin, ModelAdmin):
    """Users of the admin. Nobody touches a user with rights that they lack themselves."""

    form = StaffForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    readonly_fields = ("last_login", "date_joined")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make rights read-only for all but superusers: no user extends their own."""
        if request.user.is_superuser:
            return self.readonly_fields
        rights = ("is_superuser", "is_staff", "groups", "user_permissions")
        return (*self.readonly_fields, *rights)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete a user whose changes to accounts and groups are recorded.

        The entries would be deleted too. The page says beside "Active" what to do.
        """
        is_recorded = obj is not None and LogEntry.objects.filter(user=obj).exists()
        return not is_recorded and super().has_delete_permission(request, obj)


@admin.register(Group)
class StaffGroupAdmin(CheckboxListsMixin, GuardedRightsAdmin, GroupAdmin, ModelAdmin):
    """Groups of staff that share rights."""

    form = ConcurrentEditForm

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make rights read-only for all but superusers: they apply to every member."""
        if request.user.is_superuser:
            return super().get_readonly_fields(request, obj)
        return ("permissions",)


def _is_above(request: HttpRequest, target: Any) -> bool:
    """Return whether the target is a user or a group above the user of the request."""
    actor = request.user
    assert isinstance(actor, User), "only staff get permissions of the admin"
    if isinstance(target, User):
        return staff_rights.is_user_above(target, actor)
    return isinstance(target, Group) and staff_rights.is_group_above(target, actor)
