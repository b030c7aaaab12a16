"""Forms of staff memberships."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from typing_extensions import override
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from levered_site.admin.edit_forms import AdminEditForm

UNKNOWN_USER = (
    "There is no active staff user of this name. To invite somebody new, tick the box "
    "below."
)


class NewMembershipForm(AdminEditForm):
    """The form of a new membership. It lists no users: owners need not know them all."""

    username = forms.CharField(
        max_length=150,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The name that the person logs in with.",
    )
    is_invited = forms.BooleanField(
        label="Invite: create this user",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Tick it for somebody who has no account. The next page shows a link, "
        "once, with which they set their password.",
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "off"}),
        help_text="Of somebody who is invited; may stay empty. Levered sends no e-mail.",
    )
    user: User | None = None  # the present user of the name; None where one is invited

    @override
    def clean(self) -> dict[str, Any] | None:
        """Find the user, who must be active staff, unless one is invited."""
        cleaned = super().clean()
        name = self.cleaned_data.get("username")
        if name and not self.cleaned_data.get("is_invited"):
            staff = User.objects.filter(is_staff=True, is_active=True)
            self.user = staff.filter(username=name).first()
            if self.user is None:
                self.add_error("username", UNKNOWN_USER)
        return cleaned
