"""Tables that several staff pages show: runs, an allocation, a report."""

from itertools import islice
from typing import Any

from django.utils.safestring import SafeString

from levered_site.admin import html
from models_app import versions
from models_app.models import BanditModel, PolicyVersion, TrainingRun

ROWS, COLUMNS = 12, 12  # of an allocation table: what fits a screen
RUNS = 8


def seconds(run: TrainingRun) -> str:
    """How long its phases took together."""
    return f"{sum(run.seconds.values()):.1f} s" if run.seconds else html.NOTHING


def runs_of(model: BanditModel) -> SafeString | str:
    """The newest runs of a model, with the way to each."""
    found = model.training_runs.all()[:RUNS]
    if not found:
        return "No training yet."
    return html.table(
        ("status", "asked", "by", "seconds", "rows read", "version", "error"),
        (
            (
                html.pill(run.status),
                html.link(run, f"{run.created_at:%Y-%m-%d %H:%M:%S}"),
                run.requested_by,
                seconds(run),
                html.figure(run.rows_read),
                html.NOTHING if run.policy_version is None else run.policy_version,
                run.error[:120],
            )
            for run in found
        ),
    )


def allocation(version: PolicyVersion) -> SafeString:
    """The first rows and columns of a version: probability of each variant, decoded."""
    design = version.model.design
    shares = versions.table(version)
    numbers = range(1, min(version.variants, COLUMNS) + 1)
    names = [context.name for context in design.contexts]
    rows = []
    for levels, row in islice(zip(design.context_levels, shares, strict=True), ROWS):
        where = [design.level_name(c, int(level)) for c, level in enumerate(levels)]
        rows.append((*where, *(f"{share:.3f}" for share in row[: len(numbers)])))
    return html.table((*names, *(f"variant {n}" for n in numbers)), rows)


def report(found: dict[str, Any] | None) -> SafeString | str:
    """A training's figures per variant: expected reward with interval, weight, best."""
    if not found or "variants" not in found:
        return "Nothing was learned yet."
    return html.table(
        ("variant", "expected reward", "from", "to", "weight", "probability best"),
        (
            (
                row["number"],
                *(html.figure(row["expected_reward"][k]) for k in ("mean", "lo", "hi")),
                html.bar(row["weight"]),
                html.figure(row["prob_best"], 3),
            )
            for row in found["variants"]
        ),
    )
