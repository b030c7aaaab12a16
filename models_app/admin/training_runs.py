"""The admin page of a training run."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin
from models_app import run_figures, runs
from models_app.admin import html_tables
from models_app.models import TrainingRun
from models_app.serializers import TrainingRunSerializer


@admin.register(TrainingRun)
class TrainingRunAdmin(AdminActionsMixin, ReadOnlyAdmin, CsvListMixin):
    """Training runs, as their workers report them."""

    organization_path = "model__organization_id"

    list_display = (
        "created_at",
        "model_name",
        "state",
        "progress_bar",
        "duration",
        "rows_read",
        "policy_version",
        "requested_by",
        "error_start",
    )
    list_display_links = ("created_at",)
    list_filter = ("status", ("model__organization", VisibleRowsFilter))
    list_select_related = ("model__optimization",)
    search_fields = ("id__exact", "model__id__exact", "model__optimization__name")
    ordering = ("-created_at", "-id")
    csv_section = RowSection("training_runs", TrainingRunSerializer)
    fields = (
        ("model_name", "state", "progress_bar"),
        ("requested_by", "attempts", "rows_read", "policy_version"),
        ("created_at", "started_at", "heartbeat_at", "finished_at"),
        "phases",
        "in_sample_figures",
        "error",
        "noted",
    )
    admin_actions = (
        AdminAction(
            name="cancel",
            title="Cancel training",
            question=lambda run: (
                f"Cancel the training of {run.created_at:%Y-%m-%d %H:%M} UTC?"
            ),
            confirmation_text=(
                "A queued training is cancelled at once; a running one stops at its "
                "next phase. The serving policy stays."
            ),
            success_message="Cancelled: {}",
            run=lambda run, _request: runs.cancel_run(run),
            icon="cancel",
            variant=ActionVariant.DANGER,
            is_offered=lambda run: run.status in runs.OPEN_STATUSES,
            confirm_selection=True,
        ),
    )

    @override
    def build_csv_rows(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows with their figures, for which a few queries load all they need."""
        prefetch_related_objects(rows, "model__optimization__results_summary")
        context = {"newest_versions": run_figures.load_newest_versions(rows)}
        return list(TrainingRunSerializer(rows, many=True, context=context).data)

    @declare_column("Model", order="model__optimization__name")
    def model_name(self, run: TrainingRun) -> SafeString | str:
        """The model, linked by the name of its optimization."""
        title = getattr(run.model, "optimization", run.model)
        return html.render_link(run.model, title)

    @declare_column("Status", order="status", pills=True)
    def state(self, run: TrainingRun) -> str:
        """The status of the run."""
        return run.status

    @declare_column("Progress")
    def progress_bar(self, run: TrainingRun) -> SafeString | str:
        """The progress while the run is running."""
        if run.status != TrainingRun.Status.RUNNING:
            return html.NO_VALUE
        return html.render_share_bar(run.progress)

    @declare_column("Duration")
    def duration(self, run: TrainingRun) -> str:
        """The duration of all phases."""
        return html_tables.format_seconds(run)

    @declare_column("Error")
    def error_start(self, run: TrainingRun) -> str:
        """The beginning of the error, or of what was noted."""
        return html_tables.describe_problem(run)[:60]

    @declare_column("Notes")
    def noted(self, run: TrainingRun) -> str:
        """What went wrong although the run succeeded."""
        return "; ".join(run.notes) or html.NO_VALUE

    @declare_column("Seconds per phase")
    def phases(self, run: TrainingRun) -> SafeString | str:
        """The duration of each phase."""
        if not run.seconds:
            return html.NO_VALUE
        rows = ((phase, f"{seconds:.2f}") for phase, seconds in run.seconds.items())
        return html.render_table(("phase", "seconds"), rows)

    @declare_column("In sample")
    def in_sample_figures(self, run: TrainingRun) -> SafeString | str:
        """The in-sample figures of the run."""
        figures = run_figures.load_shown_figures(run)
        return html.NO_VALUE if figures is None else html.render_json(figures)
