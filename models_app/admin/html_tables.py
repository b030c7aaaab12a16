"""Tables that several staff pages show: runs, an allocation, a report."""

from itertools import islice
from typing import Any

from django.utils.safestring import SafeString

from levered_site.admin import html
from models_app import versions
from models_app.models import BanditModel, PolicyVersion, TrainingRun

MOST_ROWS, MOST_COLUMNS = 12, 12  # of an allocation table: what fits a screen
MOST_RUNS = 8


def format_seconds(run: TrainingRun) -> str:
    """How long its phases took together."""
    return f"{sum(run.seconds.values()):.1f} s" if run.seconds else html.NO_VALUE


def render_runs(model: BanditModel) -> SafeString | str:
    """The newest runs of a model, with the way to each."""
    found = model.training_runs.all()[:MOST_RUNS]
    if not found:
        return "No training yet."
    return html.render_table(
        ("status", "asked", "by", "seconds", "rows read", "version", "error"),
        (
            (
                html.render_pill(run.status),
                html.render_link(run, f"{run.created_at:%Y-%m-%d %H:%M:%S}"),
                run.requested_by,
                format_seconds(run),
                html.format_number(run.rows_read),
                html.NO_VALUE if run.policy_version is None else run.policy_version,
                run.error[:120],
            )
            for run in found
        ),
    )


def render_allocation(version: PolicyVersion) -> SafeString:
    """The first rows and columns of a version: probability of each variant, decoded."""
    design = version.model.design
    shares = versions.read_table(version)
    numbers = range(1, min(version.variants, MOST_COLUMNS) + 1)
    names = [context.name for context in design.contexts]
    rows = []
    for levels, row in islice(
        zip(design.context_levels, shares, strict=True), MOST_ROWS
    ):
        where = [design.level_name(c, int(level)) for c, level in enumerate(levels)]
        rows.append((*where, *(f"{share:.3f}" for share in row[: len(numbers)])))
    return html.render_table((*names, *(f"variant {n}" for n in numbers)), rows)


def render_report(found: dict[str, Any] | None) -> SafeString | str:
    """A training's figures per variant: expected reward with interval, weight, best."""
    if not found or "variants" not in found:
        return "Nothing was learned yet."
    return html.render_table(
        ("variant", "expected reward", "from", "to", "weight", "probability best"),
        (
            (
                row["number"],
                *(
                    html.format_number(row["expected_reward"][k])
                    for k in ("mean", "lo", "hi")
                ),
                html.render_share_bar(row["weight"]),
                html.format_number(row["prob_best"], 3),
            )
            for row in found["variants"]
        ),
    )
