"""HTML tables that several admin pages show: runs, an allocation, a report."""

from itertools import islice

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from levered_site.admin import html
from models_app import served_report, versions
from models_app.models import BanditModel, PolicyVersion, TrainingRun

MAX_ROWS, MAX_COLUMNS = 12, 12  # of an allocation table, to fit a screen
MAX_RUNS = 8


def format_seconds(run: TrainingRun) -> str:
    """Return the duration of all phases of a run."""
    return f"{sum(run.seconds.values()):.1f} s" if run.seconds else html.NO_VALUE


def describe_problem(run: TrainingRun) -> str:
    """Return why a run failed, or what it noted; empty if nothing went wrong."""
    return run.error or "; ".join(run.notes)


def render_runs(model: BanditModel) -> SafeString | str:
    """Return a table of a model's newest runs, each linked."""
    runs = model.training_runs.all()[:MAX_RUNS]
    if not runs:
        return "No training yet."
    return html.render_table(
        ("status", "requested", "by", "seconds", "rows read", "version", "error"),
        (
            (
                html.render_pill(run.status),
                html.render_link(
                    run, html.render_unbroken(f"{run.created_at:%Y-%m-%d %H:%M:%S}")
                ),
                run.requested_by,
                format_seconds(run),
                html.format_number(run.rows_read),
                html.NO_VALUE if run.policy_version is None else run.policy_version,
                describe_problem(run)[:120],
            )
            for run in runs
        ),
    )


def render_allocation(version: PolicyVersion) -> SafeString:
    """Return the first rows and columns of a version's table: variant probabilities."""
    design = version.model.design
    context_cells = zip(
        design.context_levels, versions.read_table(version), strict=True
    )
    numbers = range(1, min(version.variants, MAX_COLUMNS) + 1)
    context_names = [context.name for context in design.contexts]
    rows = []
    for levels, probabilities in islice(context_cells, MAX_ROWS):
        level_names = [
            design.level_name(position, int(level))
            for position, level in enumerate(levels)
        ]
        shares = (f"{share:.3f}" for share in probabilities[: len(numbers)])
        rows.append((*level_names, *shares))
    headers = (*context_names, *(f"variant {number}" for number in numbers))
    return html.render_table(headers, rows)


def render_report(version: PolicyVersion) -> SafeString | str:
    """Return a table of the report's figures per variant, and why some are withheld."""
    report = version.report
    if not report or "variants" not in report:
        return "No report: nothing has been learned yet."
    nothing = served_report.explain_nothing(report)
    distrusted = nothing or report.get("distrusted")
    unlearned = nothing if versions.is_learned(version) else versions.VARIANTS_CHANGED
    table = html.render_table(
        ("variant", "expected reward", "from", "to", "weight", "probability best"),
        (
            (
                row["number"],
                *(
                    html.NO_VALUE
                    if distrusted
                    else html.format_number(row["expected_reward"][name])
                    for name in ("mean", "lo", "hi")
                ),
                html.render_share_bar(row["weight"]),
                html.NO_VALUE if unlearned else html.format_number(row["prob_best"], 3),
            )
            for row in report["variants"]
        ),
    )
    reasons = dict.fromkeys(filter(None, (distrusted, unlearned)))
    notes = format_html_join(
        "", '<p class="staff-note">{}</p>', ((reason,) for reason in reasons)
    )
    return format_html("{}{}", table, notes)
