"""Admin pages of staff accounts, their groups and the changes to both."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin

admin.site.unregister([User, Group])


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Changes to staff accounts and groups, as Django's forms record them."""

    list_display = ("action_time", "user", "content_type", "object_repr", "change_text")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag",)
    search_fields = ("object_repr", "user__username")
    fields = (("action_time", "user"), ("content_type", "object_id"), "change_text")

    @declare_column("Change")
    def change_text(self, entry: LogEntry) -> str:
        """Return the change in words."""
        return entry.get_change_message() or entry.get_action_flag_display()


if TYPE_CHECKING:
    BaseUserAdmin = UserAdmin[User]
else:
    BaseUserAdmin = UserAdmin  # generic for the type checker only


@admin.register(User)
class StaffAdmin(BaseUserAdmin, ModelAdmin):
    """Users of the admin."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login")

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make rights read-only for all but superusers: no user extends their own."""
        if request.user.is_superuser:
            return super().get_readonly_fields(request, obj)
        return ("is_superuser", "is_staff", "groups", "user_permissions")

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers change a superuser, including the password."""
        if getattr(obj, "is_superuser", False) and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """Groups of staff that share rights."""

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make rights read-only for all but superusers: they apply to every member."""
        if request.user.is_superuser:
            return super().get_readonly_fields(request, obj)
        return ("permissions",)
