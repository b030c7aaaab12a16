"""Endpoints: progress, guardrails, history and counts of an optimization."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import pagination, requests
from levered_site.api.csv_sections import CsvSection
from levered_site.errors import LeveredError
from optimizations.models import Optimization
from optimizations.results.health import health_records, health_storage
from optimizations.results.health.health import Health
from optimizations.results.readings import (
    guardrail_report,
    history,
    holdout_daily,
    lift_curve,
    outcome_mix,
    progress,
    raw_counts,
    report,
    report_sections,
)
from optimizations.results.readings.guardrail_report import GuardrailList
from optimizations.results.readings.history import LiftHistory
from optimizations.results.readings.holdout_daily import HoldoutDaily
from optimizations.results.readings.lift_curve import LiftCurve
from optimizations.results.readings.outcome_mix import OutcomeMixRow, OutcomeWeight
from optimizations.results.readings.progress import Progress
from optimizations.results.stored import StoredCubes
from optimizations.serializers.optimization_responses import OptimizationSerializer
from optimizations.serializers.result_details import (
    ObservationsPageSerializer,
    ReportDataSerializer,
)
from optimizations.views import csv_rows, position_cursors
from optimizations.views.results import (
    REFRESH_PARAMETER,
    StoredResultsViewSet,
    read_refresh_mode,
    reserve_refresh,
)

OBSERVATION_PARAMETERS = [
    REFRESH_PARAMETER,
    OpenApiParameter("raw", bool, description="The latest 100 touches instead."),
    OpenApiParameter("limit", int, description="1 to 100, default 10."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]

DEFAULT_MIX_LIMIT, MAX_MIX_LIMIT = 1_000, 10_000
MIX_PARAMETERS = [
    REFRESH_PARAMETER,
    OpenApiParameter(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_MIX_LIMIT,
            "default": DEFAULT_MIX_LIMIT,
        },
        description="The maximum number of rows.",
    ),
    OpenApiParameter(
        "cursor",
        str,
        description="`next_cursor` of the page before. Rows come by day, arm, variant, "
        "outcome and context; none comes twice.",
    ),
]


@dataclass(frozen=True, slots=True)
class OutcomeMixPage:
    """A page of the outcome mix."""

    health: Health
    as_of: Annotated[datetime | None, "When the warehouse last counted the reward."]
    notes: list[str]
    outcomes: list[OutcomeWeight]
    context_factors: Annotated[list[str], "The names in `context` of each row."]
    rows: list[OutcomeMixRow]
    next_cursor: Annotated[str | None, "Null on the last page."]


class ResultDetailsViewSet(StoredResultsViewSet):
    """Answers from the stored counts; the warehouse is asked only with `refresh`."""

    large_actions = ("report_data", "outcome_mix")
    # The history has nothing to refresh: each day is as it was published.
    query_parameters = {
        **dict.fromkeys(
            (
                *("progress", "guardrails", "lift_history", "lift_curve"),
                *("holdout_daily", "report_data"),
            ),
            (REFRESH_PARAMETER.name,),
        ),
        "outcome_mix": [parameter.name for parameter in MIX_PARAMETERS],
        "observations": [parameter.name for parameter in OBSERVATION_PARAMETERS],
    }
    csv_sections = {
        "progress": csv_rows.PROGRESS,
        "guardrails": csv_rows.GUARDRAILS,
        "lift_history": csv_rows.LIFT_HISTORY,
        "lift_curve": csv_rows.LIFT_CURVE,
        "holdout_daily": csv_rows.HOLDOUT_DAILY,
        "outcome_mix": csv_rows.OUTCOME_MIX,
        "report_data": csv_rows.REPORT_DATA,
        "observations": csv_rows.OBSERVATIONS,
    }
    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )

    def list_csv_sections(self) -> Sequence[CsvSection]:
        """Return the sections of the answer; touches have other columns than cells."""
        sections = super().list_csv_sections()
        request = getattr(self, "request", None)  # none while the document is made
        if self.action != "observations" or request is None:
            return sections
        is_raw = request.query_params.get("raw", "").lower() == "true"
        return csv_rows.LATEST_TOUCHES if is_raw else sections

    def _get_refreshed_optimization(self, request: Request) -> Optimization:
        """Return the optimization; with `refresh`, have the warehouse count first."""
        optimization: Optimization = self.get_object()
        refresh = read_refresh_mode(request)
        if refresh != "false":
            with reserve_refresh(optimization):
                full = refresh == "full"
                health_storage.refresh_results(optimization, full=full)
        return optimization

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=Progress)
    def progress(self, request: Request, **_kwargs: Any) -> Response:
        """Return how far the optimization is."""
        optimization = self._get_refreshed_optimization(request)
        return Response(progress.build_progress(optimization))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=GuardrailList)
    def guardrails(self, request: Request, **_kwargs: Any) -> Response:
        """Judge the metrics that must not get worse."""
        optimization = self._get_refreshed_optimization(request)
        return Response(guardrail_report.build_guardrails(optimization))

    @extend_schema(responses=LiftHistory)
    def lift_history(self, _request: Request, **_kwargs: Any) -> Response:
        """Return modeled and measured lift by day, as published on that day."""
        return Response(history.build_lift_history(self.get_object()))

    @extend_schema(responses=LiftCurve)
    def lift_curve(self, _request: Request, **_kwargs: Any) -> Response:
        """Return the measured lift by day with both intervals, as published on that day."""
        return Response(lift_curve.build_lift_curve(self.get_object()))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=HoldoutDaily)
    def holdout_daily(self, request: Request, **_kwargs: Any) -> Response:
        """Return both arms' daily sums over mature users, by reward and guardrail."""
        optimization = self._get_refreshed_optimization(request)
        return Response(holdout_daily.build_holdout_daily(optimization))

    @extend_schema(parameters=MIX_PARAMETERS, responses=OutcomeMixPage)
    def outcome_mix(self, request: Request, **_kwargs: Any) -> Response:
        """Return users by day, arm, variant, context and outcome, oldest day first."""
        limit = pagination.read_limit(request, DEFAULT_MIX_LIMIT, MAX_MIX_LIMIT)
        after = position_cursors.read_mix_cursor(request)
        optimization = self._get_refreshed_optimization(request)
        page = outcome_mix.build_outcome_mix_slice(optimization, limit, after)
        last_key = page.last_key
        return Response(
            OutcomeMixPage(
                health=page.health,
                as_of=page.as_of,
                notes=page.notes,
                outcomes=page.outcomes,
                context_factors=page.context_factors,
                rows=page.rows,
                next_cursor=last_key and position_cursors.encode_mix_cursor(last_key),
            )
        )

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=ReportDataSerializer)
    def report_data(self, request: Request, **_kwargs: Any) -> Response:
        """Return all results in one document. A part that fails holds its error instead."""
        read_refresh_mode(request)  # an invalid one fails the request, not a part of it
        optimization = self.get_object()
        resource = OptimizationSerializer(optimization).data
        cubes = StoredCubes(optimization)
        parts: Mapping[str, Callable[[], object]] = {
            # Only `results` refreshes the counts, so it comes first. If the warehouse fails,
            # the other parts show the stored counts.
            "results": lambda: report_sections.build_report_results(
                report.build_results(self._get_refreshed_optimization(request), cubes)
            ),
            "holdout_daily": lambda: holdout_daily.build_holdout_daily(
                optimization, cubes
            ),
            "outcome_mix": lambda: outcome_mix.build_outcome_mix_document(
                optimization, cubes
            ),
            "guardrails": lambda: guardrail_report.build_guardrails(
                optimization, cubes
            ),
            "policy_lift_history": lambda: history.build_lift_history(optimization),
        }
        if section := self.get_csv_section(request):
            return self._build_report_part(request, parts, section)
        built = {name: _build_part_or_error(part) for name, part in parts.items()}
        own = {"optimization": resource, "model_config": resource["model_config"]}
        health = health_records.load_health(optimization)
        as_of = {"as_of": cubes.load_reward_cube().as_of}
        return Response({"health": health} | as_of | {"optimization": own} | built)

    def _build_report_part(
        self,
        request: Request,
        parts: Mapping[str, Callable[[], object]],
        section: CsvSection,
    ) -> Response:
        """Return the part of a report that a section is in; its error is the answer's."""
        if section.reading != "results":  # whose own part does
            self._get_refreshed_optimization(request)
        return Response({section.reading: parts[section.reading]()})

    @extend_schema(
        parameters=OBSERVATION_PARAMETERS, responses=ObservationsPageSerializer
    )
    def observations(self, request: Request, **_kwargs: Any) -> Response:
        """Return the cube's cells, newest day first, or the latest touches."""
        optimization = self._get_refreshed_optimization(request)
        if requests.read_flag(requests.get_django_request(request), "raw"):
            touches = raw_counts.list_latest_touches(optimization)
            return Response({"observations": touches, "next_cursor": None})
        limit = pagination.read_limit(request)
        start = position_cursors.read_cell_cursor(request)
        page = raw_counts.list_cells(optimization, start, limit)
        next_cursor = position_cursors.encode_cell_cursor(start + limit)
        return Response(
            {
                "as_of": page.as_of,
                "notes": page.notes,
                "observations": page.cells,
                "next_cursor": next_cursor if page.has_more else None,
            }
        )


def _build_part_or_error(part: Callable[[], object]) -> object:
    try:
        return part()
    except LeveredError as error:
        return {"error": {"code": error.code, "message": error.message}}
