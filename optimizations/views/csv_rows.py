"""The rows of readings that may be taken away as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from levered_site.api.csv_columns import InnerRows
from levered_site.api.csv_sections import Document, Row, RowSection
from models_app.state import ContextState, VariantState
from optimizations.off_policy.candidate_report import CandidateReport
from optimizations.off_policy.policy_evaluation import PolicyEvaluation
from optimizations.results.health.guardrails import Guardrail
from optimizations.results.health.health import HealthReason
from optimizations.results.lift.measured_lift import MeasuredLift, RegimeResult
from optimizations.results.readings.context_results import ContextResult
from optimizations.results.readings.even_split import EvenSplit
from optimizations.results.readings.history import LiftHistoryDay
from optimizations.results.readings.holdout_daily import DailyArms, MetricDaily
from optimizations.results.readings.lift_curve import LiftCurveDay, LiftCurveMark
from optimizations.results.readings.model_effects import (
    ContextImportance,
    FactorImportance,
    FactorUtility,
    Interaction,
)
from optimizations.results.readings.modeled import ModelStats
from optimizations.results.readings.outcome_mix import OutcomeMixRow
from optimizations.results.readings.progress import Progress
from optimizations.results.readings.raw_counts import Touch
from optimizations.results.readings.variant_results import DailyCounts, VariantResult
from optimizations.serializers.variants import VariantDetails
from optimizations.serving.explanation import DecisionReceipt, VariantProbability
from optimizations.serving.policy_export import PolicyVariant
from warehouse.sql.cube.statement import Cell

VARIANT_LEVELS = frozenset({"variant"})
CONTEXT_LEVELS = frozenset({"context"})


class VariantDayCounts(TypedDict):
    """Counts of a variant on a day of first touch."""

    exposures: int
    conversions: int
    users: int
    rewarded_users: int
    mature_users: int
    mature_conversions: int


class CheckRow(TypedDict):
    """A check of the counts; `details` has the figures that only this check has."""

    check: str
    ok: bool | None
    reason: str | None
    details: dict[str, Any]


class CoefficientRow(TypedDict):
    """An effect against the baseline, with its posterior standard deviation."""

    part: str
    term: str
    kind: str
    levels: dict[str, str]
    mean: float
    sd: float


class PolicyTableRow(TypedDict):
    """The probabilities in one context, by the number of the variant."""

    context: dict[str, Any]
    probabilities: dict[str, float]


def _list_checks(part: Document) -> Sequence[Row]:
    checks: Mapping[str, dict[str, Any] | None] = part["checks"]
    return [_build_check_row(name, check or {}) for name, check in checks.items()]


def _build_check_row(name: str, check: dict[str, Any]) -> Row:
    details = {key: check[key] for key in check if key not in {"ok", "reason"}}
    own = {"ok": check.get("ok"), "reason": check.get("reason")}
    return {"check": name, **own, "details": details}


def _list_policy_rows(part: Document) -> Sequence[Row]:
    numbers = [str(variant["number"]) for variant in part["variants"]]
    return [
        {
            "context": row["context"],
            "probabilities": dict(zip(numbers, row["probabilities"], strict=True)),
        }
        for row in part["contexts"]
    ]


RESULTS = (
    RowSection("variants", VariantResult, levels=VARIANT_LEVELS),
    RowSection("lift", MeasuredLift, path="primary_metric_vs_holdout"),
    RowSection("stats", ModelStats),
    RowSection("even_split", EvenSplit),
    RowSection("contexts", ContextResult),
    RowSection(
        "time_series",
        DailyCounts,
        inner=InnerRows("variants", VariantDayCounts, key="variant_key"),
    ),
    RowSection("factor_importance", FactorImportance),
    RowSection("factor_utilities", FactorUtility),
    RowSection("interactions", Interaction),
    RowSection("context_importance", ContextImportance),
    RowSection("regimes", RegimeResult, path="primary_metric_vs_holdout.regimes"),
    RowSection("checks", CheckRow, build=_list_checks),
    RowSection("health", HealthReason, path="health.reasons"),
)
PROGRESS = (RowSection("progress", Progress, path=""),)
GUARDRAILS = (RowSection("guardrails", Guardrail),)
LIFT_HISTORY = (RowSection("daily", LiftHistoryDay),)
LIFT_CURVE = (RowSection("daily", LiftCurveDay), RowSection("marks", LiftCurveMark))
HOLDOUT_DAILY = (
    RowSection(
        "daily", MetricDaily, path="metrics", inner=InnerRows("daily", DailyArms)
    ),
)
OUTCOME_MIX = (RowSection("rows", OutcomeMixRow, levels=CONTEXT_LEVELS),)
OBSERVATIONS = (RowSection("observations", Cell),)
LATEST_TOUCHES = (RowSection("observations", Touch),)
# The mix has pages of its own.
REPORT_DATA = (
    *(replace(section, reading="results") for section in RESULTS),
    replace(HOLDOUT_DAILY[0], name="holdout_daily", reading="holdout_daily"),
    replace(GUARDRAILS[0], reading="guardrails"),
    RowSection(
        "lift_history", LiftHistoryDay, path="daily", reading="policy_lift_history"
    ),
)
VARIANTS = (RowSection("variants", VariantDetails, levels=VARIANT_LEVELS),)
RECEIPTS = (
    RowSection("receipts", DecisionReceipt, levels=CONTEXT_LEVELS),
    RowSection(
        "probabilities",
        DecisionReceipt,
        path="receipts",
        inner=InnerRows("probabilities", VariantProbability),
        levels=CONTEXT_LEVELS,
    ),
)
EVALUATION = (RowSection("evaluation", PolicyEvaluation, path=""),)
CANDIDATE = (RowSection("candidate", CandidateReport, path="", judged="comparison"),)
MODEL_STATE = (
    RowSection("variants", VariantState, levels=VARIANT_LEVELS),
    RowSection(
        "contexts",
        ContextState,
        inner=InnerRows("variants", VariantState),
        levels=frozenset({"context", "variants.variant"}),
    ),
    RowSection("coefficients", CoefficientRow, levels=frozenset({"levels"})),
)
MODEL_POLICY = (
    RowSection(
        "contexts",
        PolicyTableRow,
        build=_list_policy_rows,
        levels=frozenset({"context", "probabilities"}),
    ),
    RowSection("variants", PolicyVariant, levels=VARIANT_LEVELS),
)
