"""The tab History: measuring periods, trainings, and the lists of what was recorded."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.organizations.models import AuditEntry
from models_app.admin import html_tables
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin import model_charts
from optimizations.admin.tabs.tab import Tab
from optimizations.models import CubeDay, Optimization, Regime


def build_context(
    _request: HttpRequest, optimization: Optimization
) -> Mapping[str, Any]:
    """Return the periods as a chart, the newest trainings and the lists."""
    regimes = sorted(optimization.regimes.all(), key=lambda regime: regime.number)
    periods = None
    if optimization.went_live_at is not None:
        today = timezone.now().date()
        periods = html.render_charts(model_charts.draw_periods(regimes, today))
    return {
        "periods_title": model_charts.PERIODS.title,
        "periods": periods,
        "runs": html_tables.render_runs(optimization.model),
        "links": build_links(optimization),
    }


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
    "history", "History", "levered_admin/optimization/history.html", build_context
)
