"""The staff page of a training run."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin
from models_app import runs
from models_app.admin import html_tables
from models_app.models import TrainingRun


def render_progress(run: TrainingRun) -> SafeString | str:
    """How far a run is, while it is going."""
    return (
        html.render_share_bar(run.progress)
        if run.status == "running"
        else html.NO_VALUE
    )


@admin.register(TrainingRun)
class TrainingRunAdmin(AdminActionsMixin, ReadOnlyAdmin):
    """One attempt to learn, as the worker told it."""

    list_display = (
        "created_at",
        "model_name",
        "state",
        "progress_bar",
        "took",
        "rows_read",
        "policy_version",
        "requested_by",
        "what_failed",
    )
    list_display_links = ("created_at",)
    list_filter = ("status", ("model__organization", AutocompleteSelectFilter))
    list_select_related = ("model__optimization",)
    search_fields = ("id__exact", "model__id__exact", "model__optimization__name")
    ordering = ("-created_at", "-id")
    fields = (
        ("model_name", "state", "progress_bar"),
        ("requested_by", "attempts", "rows_read", "policy_version"),
        ("created_at", "started_at", "heartbeat_at", "finished_at"),
        "phases",
        "learned",
        "error",
    )
    admin_actions = (
        AdminAction(
            name="cancel",
            title="Cancel",
            question="A queued training is taken back at once, a running one stops "
            "at its next phase. The policy that serves stays.",
            done="Cancelled: {}",
            act=lambda run, _request: runs.cancel_run(run),
            icon="cancel",
            variant=ActionVariant.DANGER,
            is_offered=lambda run: run.status in runs.OPEN_STATUSES,
            confirm=True,
        ),
    )

    @declare_column("Model", order="model__optimization__name")
    def model_name(self, run: TrainingRun) -> SafeString | str:
        """The way to the model, by its optimization's name."""
        return html.render_link(
            run.model, getattr(run.model, "optimization", run.model)
        )

    @declare_column("Status", order="status", pills=True)
    def state(self, run: TrainingRun) -> str:
        """Where it stands."""
        return run.status

    @declare_column("Progress")
    def progress_bar(self, run: TrainingRun) -> SafeString | str:
        """How far it is, while it runs."""
        return render_progress(run)

    @declare_column("Took")
    def took(self, run: TrainingRun) -> str:
        """All phases together."""
        return html_tables.format_seconds(run)

    @declare_column("Error")
    def what_failed(self, run: TrainingRun) -> str:
        """The reason, its beginning."""
        return run.error[:60]

    @declare_column("Seconds per phase")
    def phases(self, run: TrainingRun) -> SafeString | str:
        """Where the time went."""
        if not run.seconds:
            return html.NO_VALUE
        rows = ((phase, f"{spent:.2f}") for phase, spent in run.seconds.items())
        return html.render_table(("phase", "seconds"), rows)

    @declare_column("In sample")
    def learned(self, run: TrainingRun) -> SafeString | str:
        """What it found, in its own figures."""
        found = run.in_sample_metrics
        return html.NO_VALUE if found is None else html.render_json(found)
