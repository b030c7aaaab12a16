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

MAX_TARGETS = 100
CONFIRMED_FIELD = "confirmed"


def _is_always_offered(_target: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class AdminAction:
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
    is_offered: Callable[[Any], bool] = _is_always_offered
    confirm: bool = False  # ask also when it is chosen for several from the list


class AdminActionsMixin(ModelAdmin):
    """A page with deeds: declare `deeds`, buttons and list actions follow from them."""

    admin_actions: tuple[AdminAction, ...] = ()

    def __init_subclass__(cls) -> None:
        """Give the class one dialog per deed, under the names that Unfold looks for."""
        super().__init_subclass__()
        for deed in cls.admin_actions:
            setattr(cls, _build_method_name(deed), _build_dialog(deed))
        cls.actions_detail = tuple(
            _build_method_name(deed) for deed in cls.admin_actions
        )

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
            _build_method_name(deed)
            for deed in self.admin_actions
            if target and deed.is_offered(target)
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
            for deed in self.admin_actions:
                actions[deed.name] = (
                    partial(_run_on_selection, deed),
                    deed.name,
                    deed.title,
                )
        return actions


def run_action(request: HttpRequest, deed: AdminAction, target: Model) -> bool:
    """Do it to one thing and tell how it went; a refusal is a message, not a 500."""
    try:
        deed.act(target, request)
    except LeveredError as error:
        messages.error(request, f"{target}: {error.message}")
        return False
    return True


def _build_method_name(deed: AdminAction) -> str:
    return f"do_{deed.name}"


def _build_dialog(deed: AdminAction) -> Any:
    def do(
        self: AdminActionsMixin, request: HttpRequest, _form: object, object_id: str
    ) -> HttpResponse:
        target = self.get_object(request, object_id)
        if target is not None and run_action(request, deed, target):
            messages.success(request, deed.done.format(target))
        return _redirect_back(self, request, object_id)

    do.__name__ = _build_method_name(deed)
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


def _redirect_back(
    admin: AdminActionsMixin, request: HttpRequest, object_id: str
) -> HttpResponse:
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


def _run_on_selection(
    deed: AdminAction,
    admin: AdminActionsMixin,
    request: HttpRequest,
    chosen: QuerySet[Any],
) -> HttpResponse | None:
    targets = list(chosen[: MAX_TARGETS + 1])
    if len(targets) > MAX_TARGETS:
        messages.error(request, f"At most {MAX_TARGETS} at once: choose fewer.")
        return None
    if deed.confirm and CONFIRMED_FIELD not in request.POST:
        return _render_confirmation(deed, admin, request, targets)
    done = [target for target in targets if run_action(request, deed, target)]
    if done:
        messages.success(
            request, deed.done.format(", ".join(str(target) for target in done))
        )
    return None


def _render_confirmation(
    deed: AdminAction,
    admin: AdminActionsMixin,
    request: HttpRequest,
    targets: list[Any],
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
            "confirmed": CONFIRMED_FIELD,
            "media": admin.media,
        },
    )
