"""The pages of the form: each POST saves the step and redirects, each GET shows it."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views import View

from levered_site.errors import LeveredError
from levered_site.organizations.admin import get_staff_actor, get_staff_roles
from optimizations.admin.create import operations, pages, posted, storage
from optimizations.admin.create.answers import STEP_TITLES, Answers, Saved, Step
from optimizations.admin.create.draft import Draft, compose_draft
from optimizations.admin.create.problems import validate_body
from optimizations.admin.create.storage import Form, OutdatedPageError, Version
from optimizations.models import Optimization

STEPS: Final[Sequence[Step]] = tuple(STEP_TITLES)
CHANGED_MEANWHILE: Final = (
    "The answers changed after this page was opened, in another tab or window. Nothing was "
    "created. Read them again."
)
CREATED: Final = {
    "draft": "Created: {}. It is a draft: nobody is served until it goes live.",
    "live": "Created: {}. It is live: serving and learning have begun.",
}


def build_urls(admin: "ModelAdmin[Any]") -> list[URLPattern]:
    """Return the routes of the form."""
    view = admin.admin_site.admin_view(StepView.as_view(admin=admin))
    name = pages.ROUTE.partition(":")[2]
    return [path("add/<uuid:form_id>/<slug:step>/", view, name=name)]


def start_form() -> HttpResponse:
    """Redirect to the first step of a new form; nothing is stored before it is saved."""
    return HttpResponseRedirect(reverse(pages.ROUTE, args=[uuid4(), "goal"]))


class StepView(View):
    """A step of the form."""

    admin: Any = None  # the page of optimizations, given by as_view
    form: Form
    step: Step

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Let in who may create somewhere; a form that has created leads to the result."""
        if not self.admin.has_add_permission(request):
            raise PermissionDenied
        step, form_id = str(kwargs["step"]), UUID(str(kwargs["form_id"]))
        if step not in STEPS:
            raise Http404
        self.step = STEPS[STEPS.index(step)]
        self.form = storage.load_form(form_id, _get_user_id(request))
        if self.form.optimization_id is not None:
            return self._show_created(self.form.optimization_id)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the step."""
        draft = self._compose(request, self.form)
        is_asking = self.step == "review" and "live" in request.GET
        context = {
            **self.admin.admin_site.each_context(request),
            **pages.build_page(request, self.form, draft, self.step),
            "writer": request.GET.get("writer", "")[:16] or secrets.token_hex(4),
            "focus": request.GET.get("focus", ""),
            "is_outdated": "outdated" in request.GET,
        }
        name = "live" if is_asking and not context["problems"] else self.step
        template = f"levered_admin/create_optimization_{name}.html"
        return TemplateResponse(request, template, context)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Save the step and do what the button says."""
        name, _, argument = request.POST.get("do", "refresh").partition(":")
        if name == "discard":
            return self._discard(request, argument)
        if self.step == "review":
            return self._leave_review(request, name, argument)
        answers = posted.read_step(self.step, request.POST, self.form.answers)
        focus = ""
        if self.step == "factors":
            factors, focus = operations.apply_operation(
                answers.factors, name, argument, request.POST
            )
            answers = replace(answers, factors=factors)
        if name == "continue":
            answers = _mark_checked(answers, self.step)
        try:
            form = storage.save_step(
                self.form.pk,
                self.form.user_id,
                self.step,
                answers,
                _read_version(request),
            )
        except OutdatedPageError:
            return self._redirect(request, self.step, reload=True, outdated="1")
        return self._follow(request, form, name, argument, focus)

    def _follow(
        self, request: HttpRequest, form: Form, name: str, argument: str, focus: str
    ) -> HttpResponse:
        """Redirect to the step that a saved step leads to."""
        if name == "go" and argument in STEPS:
            return self._redirect(request, argument)
        if name == "continue":
            draft = self._compose(request, form)
            if draft.list_step_problems(self.step):
                return self._redirect(request, self.step, focus="problems")
            return self._redirect(request, STEPS[STEPS.index(self.step) + 1])
        writer = request.POST.get("writer", "")
        return self._redirect(request, self.step, focus=focus, writer=writer)

    def _leave_review(
        self, request: HttpRequest, name: str, argument: str
    ) -> HttpResponse:
        """Create the optimization, ask before it goes live, or go back to a step."""
        if name == "go" and argument in STEPS:
            return self._redirect(request, argument)
        if name == "ask-live":
            return self._redirect(request, "review", live="1")
        if name not in {"create", "create-live"}:
            return self._redirect(request, "review")
        draft = self._compose(request, self.form)
        if request.POST.get("digest") != draft.compute_digest():
            messages.error(request, CHANGED_MEANWHILE)
            return self._redirect(request, "review")
        return self._create(
            request, draft, "live" if name == "create-live" else "draft"
        )

    def _create(self, request: HttpRequest, draft: Draft, status: str) -> HttpResponse:
        """Create the optimization as the API would; the review shows why it is refused."""
        organization_id = draft.get_organization_id()
        if draft.problems:
            return self._redirect(request, "review")
        try:
            fields = validate_body(
                {**draft.body.fields, "status": status}, organization_id
            )
            created = storage.create_once(
                self.form, organization_id, get_staff_actor(request), fields
            )
        except LeveredError as error:
            messages.error(request, error.message)
            return self._redirect(request, "review")
        messages.success(request, CREATED[status].format(draft.answers.goal.name))
        return self._show_created(created)

    def _discard(self, request: HttpRequest, argument: str) -> HttpResponse:
        """Delete an unfinished form of the user."""
        try:
            storage.discard_form(UUID(argument), self.form.user_id)
        except ValueError as error:
            raise Http404 from error
        return self._redirect(request, "goal")

    def _compose(self, request: HttpRequest, form: Form) -> Draft:
        return compose_draft(form.answers, get_staff_roles(request))

    def _show_created(self, pk: UUID) -> HttpResponse:
        """Redirect to the optimization, or to the list if it was deleted since."""
        if Optimization.objects.filter(pk=pk, deleted_at=None).exists():
            change = "admin:optimizations_optimization_change"
            return HttpResponseRedirect(reverse(change, args=[pk]))
        return HttpResponseRedirect(
            reverse("admin:optimizations_optimization_changelist")
        )

    def _redirect(
        self, request: HttpRequest, step: str, *, reload: bool = False, **query: str
    ) -> HttpResponse:
        """Redirect to a step. htmx follows and takes a part, unless it must `reload`."""
        kept = {name: value for name, value in query.items() if value}
        target = reverse(pages.ROUTE, args=[self.form.pk, step], query=kept or None)
        if reload and "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": target})
        return HttpResponseRedirect(target)


def _mark_checked(answers: Answers, step: Step) -> Answers:
    return replace(answers, saved={**answers.saved, step: Saved(is_checked=True)})


def _get_user_id(request: HttpRequest) -> int:
    user_id = request.user.pk
    assert user_id is not None  # the site has required a log-in
    return user_id


def _read_version(request: HttpRequest) -> Version:
    return Version(
        _read_integer(request.POST.get("revision", ""), 0),
        request.POST.get("writer", "")[:16],
        _read_integer(request.POST.get("sent", ""), storage.LAST),
    )


def _read_integer(text: str, default: int) -> int:
    is_integer = text.isascii() and text.isdecimal() and len(text) < 16
    return int(text) if is_integer else default
