"""The API's own deeds as buttons: one dialog for one thing, one action for several."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.enums import ActionVariant

from levered_site.errors import LeveredError

AT_ONCE = 100
CONFIRMED = "confirmed"


def _always(_target: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Deed:
    """One verb of the API. `act` does it and may raise LeveredError.

    `question` is what the dialog asks, `done` what is said afterwards; `offered` tells
    whether the button makes sense for a thing (the deed itself decides in the end).
    """

    name: str
    title: str
    question: str
    done: str
    act: Callable[[Any, HttpRequest], object]
    icon: str = "bolt"
    variant: ActionVariant = ActionVariant.DEFAULT
    offered: Callable[[Any], bool] = _always
    confirm: bool = False  # ask also when it is chosen for several from the list


class WithDeeds(ModelAdmin):
    """A page with deeds: declare `deeds`, buttons and list actions follow from them."""

    deeds: tuple[Deed, ...] = ()

    def __init_subclass__(cls) -> None:
        """Give the class one dialog per deed, under the names that Unfold looks for."""
        super().__init_subclass__()
        for deed in cls.deeds:
            setattr(cls, _method(deed), _dialog(deed))
        cls.actions_detail = tuple(_method(deed) for deed in cls.deeds)

    def has_deed_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        """Whoever may change the thing may do its deeds."""
        options = self.opts
        return bool(
            request.user.has_perm(f"{options.app_label}.change_{options.model_name}")
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer only what makes sense for this thing in its present state."""
        target = self.get_object(request, str(object_id))
        offered = {
            _method(deed) for deed in self.deeds if target and deed.offered(target)
        }
        return [
            button
            for button in super().get_actions_detail(request, object_id)
            if button.method.__name__ in offered
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer every deed for what is ticked in the list."""
        actions: dict[str, Any] = super().get_actions(request)
        if self.has_deed_permission(request):
            for deed in self.deeds:
                actions[deed.name] = (partial(_several, deed), deed.name, deed.title)
        return actions


def attempt(request: HttpRequest, deed: Deed, target: Model) -> bool:
    """Do it to one thing and tell how it went; a refusal is a message, not a 500."""
    try:
        deed.act(target, request)
    except LeveredError as error:
        messages.error(request, f"{target}: {error.message}")
        return False
    return True


def _method(deed: Deed) -> str:
    return f"do_{deed.name}"


def _dialog(deed: Deed) -> Any:
    def do(
        self: WithDeeds, request: HttpRequest, _form: object, object_id: str
    ) -> HttpResponse:
        target = self.get_object(request, object_id)
        if target is not None and attempt(request, deed, target):
            messages.success(request, deed.done.format(target))
        return _back(self, request, object_id)

    do.__name__ = _method(deed)
    return action(
        permissions=["deed"],
        description=deed.title,
        url_path=f"do-{deed.name}",
        icon=deed.icon,
        variant=deed.variant,
        dialog={
            "title": f"{deed.title}?",
            "description": deed.question,
            "form_class": None,
            "form_submit_text": deed.title,
        },
    )(do)


def _back(admin: WithDeeds, request: HttpRequest, object_id: str) -> HttpResponse:
    """Return to the thing, or to the list where it is gone."""
    prefix = f"admin:{admin.opts.app_label}_{admin.opts.model_name}_"
    there = admin.get_object(request, object_id) is not None
    path = (
        reverse(f"{prefix}change", args=[object_id])
        if there
        else reverse(f"{prefix}changelist")
    )
    if "HX-Request" in request.headers:  # the dialog was opened by htmx
        return HttpResponse(headers={"HX-Redirect": path})
    return HttpResponseRedirect(path)


def _several(
    deed: Deed, admin: WithDeeds, request: HttpRequest, chosen: QuerySet[Any]
) -> HttpResponse | None:
    targets = list(chosen[: AT_ONCE + 1])
    if len(targets) > AT_ONCE:
        messages.error(request, f"At most {AT_ONCE} at once: choose fewer.")
        return None
    if deed.confirm and CONFIRMED not in request.POST:
        return _question(deed, admin, request, targets)
    done = [target for target in targets if attempt(request, deed, target)]
    if done:
        messages.success(
            request, deed.done.format(", ".join(str(target) for target in done))
        )
    return None


def _question(
    deed: Deed, admin: WithDeeds, request: HttpRequest, targets: list[Any]
) -> TemplateResponse:
    return TemplateResponse(
        request,
        "staff/confirm.html",
        {
            **admin.admin_site.each_context(request),
            "title": f"{deed.title}?",
            "deed": deed,
            "targets": targets,
            "opts": admin.opts,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "confirmed": CONFIRMED,
            "media": admin.media,
        },
    )
