"""Forms of staff memberships."""

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextInputWidget

from levered_site.admin.edit_forms import AdminEditForm


class NewMembershipForm(AdminEditForm):
    """The form of a new membership. It lists no users: owners need not know them all."""

    username = forms.CharField(
        max_length=150,
        widget=UnfoldAdminTextInputWidget,
        help_text="A user of the admin. Superusers create users.",
    )

    def clean_username(self) -> User:
        """Return the user of that name, who must be active staff; raise otherwise."""
        name = self.cleaned_data["username"]
        staff = User.objects.filter(is_staff=True, is_active=True)
        user = staff.filter(username=name).first()
        if user is None:
            raise ValidationError("There is no active staff user of this name.")
        return user
