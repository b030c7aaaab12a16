"""Admin actions: API operations as a button with a dialog, and as a list action."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from unfold import decorators
from unfold.enums import ActionVariant

from levered_site.admin.objections import (
    TICK_LABEL,
    TICKED_FIELD,
    DialogForm,
    Objections,
)
from levered_site.admin.openers import redirect_back
from levered_site.admin.roles import RoleAdmin, RoleName
from levered_site.errors import LeveredError

MAX_TARGETS = 100
CONFIRMED_FIELD = "confirmed"


def _is_always_offered(_target: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class AdminAction:
    """One operation of the API on one object. `run` may raise LeveredError.

    The dialog asks `question` of the object, which names it, and shows
    `confirmation_text`, or what `explain` says of the object in its state, where all
    selected ones have the same. `success_message` is formatted with the object. `is_offered` hides a button that makes no sense in the object's state; `run`
    still checks the state. With `confirm_selection` the list action asks first, too.
    `role` is what it takes in the object's organization. Where there are
    `objections`, both dialogs list them and require a tick, which `run` reads with
    `objections.has_ticked`.
    """

    name: str
    title: str
    question: Callable[[Any], str]
    confirmation_text: str
    success_message: str
    run: Callable[[Any, HttpRequest], object]
    icon: str = "bolt"
    variant: ActionVariant = ActionVariant.DEFAULT
    is_offered: Callable[[Any], bool] = _is_always_offered
    confirm_selection: bool = False
    role: RoleName = "editor"
    objections: Objections | None = None
    explain: Callable[[Any], str] | None = None

    def describe(self, targets: Sequence[Any]) -> str:
        """Return what happens to all of the objects."""
        texts = {self.explain(target) for target in targets} if self.explain else set()
        return texts.pop() if len(texts) == 1 else self.confirmation_text


class AdminActionsMixin(RoleAdmin):
    """A page with actions: `admin_actions` become its buttons and list actions."""

    admin_actions: tuple[AdminAction, ...] = ()

    def __init_subclass__(cls) -> None:
        """Add one dialog method per action, by the names that Unfold looks up."""
        super().__init_subclass__()
        for action in cls.admin_actions:
            setattr(cls, _build_method_name(action), _build_dialog(action))
        cls.actions_detail = tuple(map(_build_method_name, cls.admin_actions))

    def has_editor_permission(
        self, request: HttpRequest, object_id: Any = None
    ) -> bool:
        """Return whether the user may change the object, which most actions take."""
        return self._may_run(request, "editor", object_id)

    def has_owner_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Return whether the user owns the object: some actions take no less."""
        return self._may_run(request, "owner", object_id)

    def _may_run(self, request: HttpRequest, role: RoleName, object_id: Any) -> bool:
        if object_id is None:
            return self.has_role(request, role)
        target = self._find_target(request, object_id)
        return target is not None and self.has_role(request, role, target)

    def _find_target(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the object, read once for all buttons of its page."""
        key = f"levered.target.{self.opts.label_lower}.{object_id}"
        if key not in request.META:
            request.META[key] = self.get_object(request, str(object_id))
        return request.META[key]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Return the buttons that make sense in the present state of the object."""
        target = self._find_target(request, object_id)
        offered_methods = {
            _build_method_name(action)
            for action in self.admin_actions
            if target and action.is_offered(target)
        }
        return [
            button
            for button in super().get_actions_detail(request, object_id)
            if button.method.__name__ in offered_methods
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the list actions that the user may run, whatever rows are selected."""
        actions: dict[str, Any] = super().get_actions(request)
        for action in self.admin_actions:
            if self.has_role(request, action.role):
                run = partial(_run_on_selection, action)
                actions[action.name] = (run, action.name, action.title)
        return actions


def run_action(request: HttpRequest, action: AdminAction, target: Model) -> bool:
    """Run an action on one object; return whether it succeeded.

    A LeveredError becomes an error message on the page, not a 500.
    """
    try:
        action.run(target, request)
    except LeveredError as error:
        messages.error(request, f"{target}: {error.message}")
        return False
    return True


def _build_method_name(action: AdminAction) -> str:
    return f"do_{action.name}"


def _build_dialog(action: AdminAction) -> Any:
    """Return the method that shows the dialog of an action, and runs it once confirmed."""

    def show_dialog(
        self: AdminActionsMixin, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        found = self._find_target(request, object_id)
        form = DialogForm(
            data=request.POST or None,
            request=request,
            object_id=object_id,
            sentences=_list_objections(action, found),
        )
        if not form.is_valid():
            return _render_dialog(request, action, found, form)
        target = self.get_object(request, object_id)
        if target is not None and run_action(request, action, target):
            messages.success(request, action.success_message.format(target))
        return redirect_back(self, request, object_id)

    show_dialog.__name__ = _build_method_name(action)
    decorate = decorators.action(
        permissions=[action.role],
        description=action.title,
        url_path=f"do-{action.name}",
        icon=action.icon,
        variant=action.variant,
    )
    decorated: Any = decorate(show_dialog)
    # Unfold only asks whether there is one: buttons then open their address in a dialog.
    decorated.dialog = {"title": action.title}
    return decorated


def _render_dialog(
    request: HttpRequest, action: AdminAction, target: Any, form: DialogForm
) -> HttpResponse:
    context = {
        "dialog": {
            "title": action.question(target),
            "description": action.describe([target]),
        },
        "form": form,
        "form_submit_text": action.title,
        "is_danger": action.variant == ActionVariant.DANGER,
    }
    return render(request, "unfold/helpers/dialog.html", context)


def _run_on_selection(
    action: AdminAction,
    admin: AdminActionsMixin,
    request: HttpRequest,
    selection: QuerySet[Any],
) -> HttpResponse | None:
    selected = list(selection[: MAX_TARGETS + 1])
    if len(selected) > MAX_TARGETS:
        messages.error(request, f"Select at most {MAX_TARGETS} at once.")
        return None
    targets = _keep_permitted(action, admin, request, selected)
    if not targets:
        return None
    if action.confirm_selection and CONFIRMED_FIELD not in request.POST:
        return _render_confirmation(action, admin, request, targets)
    changed_targets = [
        target for target in targets if run_action(request, action, target)
    ]
    if changed_targets:
        names = ", ".join(map(str, changed_targets))
        messages.success(request, action.success_message.format(names))
    return None


def _keep_permitted(
    action: AdminAction,
    admin: AdminActionsMixin,
    request: HttpRequest,
    selected: list[Any],
) -> list[Any]:
    """Return the objects for which the user has the role; name the others on the page."""
    targets = []
    for target in selected:
        if admin.has_role(request, action.role, target):
            targets.append(target)
        else:
            messages.error(
                request, f"{target}: {action.title} takes the {action.role}."
            )
    return targets


def _list_objections(action: AdminAction, target: Any) -> Sequence[str]:
    return action.objections.list_sentences(target) if action.objections else ()


def _render_confirmation(
    action: AdminAction,
    admin: AdminActionsMixin,
    request: HttpRequest,
    targets: list[Any],
) -> TemplateResponse:
    objections = [(target, _list_objections(action, target)) for target in targets]
    plural = admin.opts.verbose_name_plural
    question = (
        action.question(targets[0])
        if len(targets) == 1
        else f"{action.title}: {len(targets)} {plural}?"
    )
    return TemplateResponse(
        request,
        "levered_admin/confirm_action.html",
        {
            **admin.admin_site.each_context(request),
            "title": question,
            "admin_action": action,
            "description": action.describe(targets),
            "targets": objections,
            "needs_tick": any(sentences for _, sentences in objections),
            "tick_label": TICK_LABEL,
            "ticked_field": TICKED_FIELD,
            "opts": admin.opts,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "confirmed_field": CONFIRMED_FIELD,
            "media": admin.media,
        },
    )
