"""What an optimization's staff page shows above the form: results, trainings, ways on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from levered_site.admin import html
from levered_site.errors import ConflictError
from levered_site.organizations.models import AuditEntry
from models_app.admin import tables
from models_app.models import PolicyVersion, TrainingRun
from optimizations.admin import trial
from optimizations.models import CubeDay, Decision, Optimization, Regime, Variant
from optimizations.results import report
from optimizations.results.report import Results


@dataclass(frozen=True, slots=True)
class Panel:
    """Ready pieces of HTML; `note` says why there are no results yet."""

    figures: tuple[tuple[str, str, str], ...]
    variants: SafeString | str
    runs: SafeString | str
    ways: tuple[SafeString, ...]
    candidate: SafeString | str
    note: str = ""


def of(optimization: Optimization) -> Panel:
    """Read everything that the page shows beside the settings."""
    runs, elsewhere = tables.runs_of(optimization.model), ways(optimization)
    tried = trial.table(optimization)
    try:
        found = report.of(optimization)
    except ConflictError as error:
        return Panel((), variants(optimization), runs, elsewhere, tried, error.message)
    return Panel(_figures(optimization, found), learned(found), runs, elsewhere, tried)


def _figures(
    optimization: Optimization, found: Results
) -> tuple[tuple[str, str, str], ...]:
    measured, modeled = found.primary_metric_vs_holdout or {}, found.stats
    why, held_out = found.unavailable, measured.get("holdout_exposures")
    return (
        (
            "Measured lift",
            html.percent(measured.get("lift_percent"), signed=True),
            _interval(measured.get("lift_ci_anytime"), "95 %, however often one looks")
            or why.get("primary_metric_vs_holdout.lift_ci_anytime", ""),
        ),
        (
            "Estimated improvement",
            html.percent(modeled["estimated_improvement_percent"], signed=True),
            _interval(modeled["estimated_improvement_interval"])
            or why.get("stats.estimated_improvement_percent", ""),
        ),
        (
            "Users compared",
            html.figure(measured.get("optimization_exposures")),
            f"optimized; {html.figure(held_out)} held out; all past their horizon",
        ),
        (
            "Policy version",
            str(optimization.model.policy_version),
            f"counts of {found.as_of:%Y-%m-%d %H:%M}"
            if found.as_of
            else "no counts yet",
        ),
    )


def _interval(limits: Sequence[float | None] | None, kind: str = "95 %") -> str:
    shown = html.interval(limits, signed=True)
    return "" if shown == html.NOTHING else f"{kind}: {shown}"


def learned(found: Results) -> SafeString:
    """Every variant with what was observed of it and what is believed of it."""
    return html.table(
        (
            *("", "variant", "", "users", "conversions", "rate per user"),
            *("expected reward", "share of traffic", "probability best"),
        ),
        ([*_observed(row), *_believed(row)] for row in found.variants),
    )


def _observed(row: Mapping[str, Any]) -> list[object]:
    return [
        row["number"],
        html.code(row["variant_key"]),
        "" if row["enabled"] else html.pill("disabled"),
        html.figure(row["users"]),
        html.figure(row["conversions"]),
        html.percent(100 * row["user_rate"]) if row["users"] else html.NOTHING,
    ]


def _believed(row: Mapping[str, Any]) -> list[object]:
    mean, low, high = (row[f"expected_reward_{k}"] for k in ("mean", "lo", "hi"))
    reward = (
        html.NOTHING
        if mean is None
        else f"{html.figure(mean, 3)} ({html.figure(low, 3)} to {html.figure(high, 3)})"
    )
    return [
        reward,
        html.NOTHING if row["weight"] is None else html.bar(row["weight"]),
        html.NOTHING if row["prob_best"] is None else html.bar(row["prob_best"]),
    ]


def variants(optimization: Optimization) -> SafeString:
    """The variants of one that was never live."""
    rows = optimization.variants.defer("screenshot")
    return html.table(
        ("", "variant"), ((v.number, html.code(v.variant_key)) for v in rows)
    )


def ways(optimization: Optimization) -> tuple[SafeString, ...]:
    """Link to everything else that is known of it."""
    own = {"q": optimization.pk}
    return (
        html.to(optimization.model.__class__, optimization.model_id, "Model"),
        html.listing(Variant, "Variants", **own),
        html.listing(Decision, "Decisions", **own),
        html.listing(TrainingRun, "Training runs", q=optimization.model_id),
        html.listing(PolicyVersion, "Policy versions", q=optimization.model_id),
        html.listing(Regime, "Regimes", **own),
        html.listing(CubeDay, "Cube days", **own),
        html.listing(AuditEntry, "Audit log", **own),
    )
