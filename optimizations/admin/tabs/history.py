"""The tab History: one stream of periods, trainings, changes and notes, by day."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.organizations.admin import get_staff_roles
from levered_site.organizations.models import AuditEntry
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin.history_page import (
    download,
    note_form,
    note_posts,
    picture,
    stream,
)
from optimizations.admin.tabs.tab import Tab
from optimizations.models import CubeDay, Optimization, Regime


def build_context(
    request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the picture, a page of the stream, and the form of a new note."""
    wanted = stream.read_filter(request.GET)
    regimes = list_regimes(optimization)
    page = stream.load_page(optimization, wanted, regimes)
    drawing = picture.draw_history(optimization, regimes)
    roles = get_staff_roles(request)
    may_write = roles.has_in(TAB.post_role, optimization.organization_id)
    return {
        "picture": None if drawing is None else html.render_charts(drawing),
        "picture_title": picture.HEADING.title,
        "picture_text": picture.HEADING.description,
        "wanted": wanted,
        "page": page,
        "note_form": note_form.build_empty_form(),
        "may_write": may_write,
        "path": request.get_full_path(),
        "query": build_query(wanted),
        "links": build_links(optimization),
    }


def list_regimes(optimization: Optimization) -> list[Regime]:
    """Return the measuring periods by their numbers."""
    return list(optimization.regimes.order_by("number"))


def build_query(wanted: stream.StreamFilter) -> str:
    """Return the chosen kinds as an address has them; "" where all are."""
    if wanted.kinds == stream.ALL_KINDS:
        return ""
    return "".join(f"&kind={kind}" for kind in wanted.kinds)


def build_download(request: HttpRequest, optimization: Optimization) -> HttpResponse:
    """Return the stream as CSV."""
    wanted = stream.read_filter(request.GET)
    return download.build_download(optimization, wanted, list_regimes(optimization))


def build_links(optimization: Optimization) -> tuple[SafeString | str, ...]:
    """Return links to the lists of what was recorded of the optimization."""
    search, of_model = {"q": optimization.pk}, {"q": optimization.model_id}
    return (
        html.render_link(optimization.model, "Model"),
        html.render_list_link(TrainingRun, "Training runs", **of_model),
        html.render_list_link(PolicyVersion, "Policy versions", **of_model),
        html.render_list_link(Regime, "Regimes", **search),
        html.render_list_link(CubeDay, "Cube days", **search),
        html.render_list_link(AuditEntry, "Audit log", **search),
    )


TAB = Tab(
    "history",
    "History",
    "levered_admin/optimization/history.html",
    build_context,
    handle_post=note_posts.handle_post,
    build_download=build_download,
)
