"""The page on which an invited user sets their password, by a link that works once."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from typing_extensions import override
from unfold.widgets import INPUT_CLASSES

ROUTE = "set-password/<uidb64>/<token>/"
NAME = "set_password"


def build_link(request: HttpRequest, user: User) -> str:
    """Return the address at which the user sets their password.

    It works until they have set one or logged in, for PASSWORD_RESET_TIMEOUT at most.
    """
    key = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return request.build_absolute_uri(reverse(f"admin:{NAME}", args=[key, token]))


if TYPE_CHECKING:
    BaseSetPasswordForm = SetPasswordForm[User]
else:
    BaseSetPasswordForm = SetPasswordForm  # generic for the type checker only


class FirstPasswordForm(BaseSetPasswordForm):
    """Asks for a password, twice."""

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(user, *args, **options)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(INPUT_CLASSES)


class SetPasswordView(PasswordResetConfirmView):
    """Set the password of the user whose token is in the address, and then log in."""

    form_class = FirstPasswordForm
    template_name = "levered_admin/staff/set_password.html"
    success_url = reverse_lazy("admin:login")

    @override
    def get_context_data(self, **options: Any) -> dict[str, Any]:
        context = super().get_context_data(**options)
        title = "Set your password"
        return {**admin.site.each_context(self.request), **context, "title": title}

    @override
    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        messages.success(self.request, "Your password is set. Log in with it.")
        return answer
