"""Endpoints: progress, guardrails, history and counts of an optimization."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import pagination, requests, slow_requests
from levered_site.errors import InvalidParametersError, LeveredError
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.results import (
    guardrails,
    history,
    outcome_mix,
    progress,
    raw_counts,
    report,
    stored,
)
from optimizations.results.guardrails import Guardrails
from optimizations.results.history import HoldoutDaily, LiftHistory
from optimizations.results.outcome_mix import OutcomeMix
from optimizations.results.progress import Progress
from optimizations.serializers.optimization_responses import OptimizationSerializer
from optimizations.serializers.result_details import (
    ObservationsPageSerializer,
    ReportDataSerializer,
)
from optimizations.views.results import REFRESH_PARAMETER, read_refresh_mode

OBSERVATION_PARAMETERS = [
    REFRESH_PARAMETER,
    OpenApiParameter("raw", bool, description="The latest 100 touches instead."),
    OpenApiParameter("limit", int, description="1 to 100, default 10."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


class ResultDetailsViewSet(OrganizationViewSet[Optimization]):
    """Answers from the stored counts; the warehouse is asked only with `refresh`."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )

    def _get_refreshed_optimization(
        self, request: Request, *, with_guardrails: bool = False
    ) -> Optimization:
        """Return the optimization; with `refresh`, have the warehouse count first."""
        optimization: Optimization = self.get_object()
        refresh = read_refresh_mode(request)
        if refresh != "false":
            full = refresh == "full"
            with slow_requests.reserve_thread():
                stored.refresh_counts(
                    optimization, guardrails=with_guardrails, full=full
                )
        return optimization

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=Progress)
    def progress(self, request: Request, **_kwargs: Any) -> Response:
        """Return how far the optimization is."""
        optimization = self._get_refreshed_optimization(request)
        return Response(progress.build_progress(optimization))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=Guardrails)
    def guardrails(self, request: Request, **_kwargs: Any) -> Response:
        """Judge the metrics that must not get worse."""
        optimization = self._get_refreshed_optimization(request, with_guardrails=True)
        return Response(guardrails.judge_guardrails(optimization))

    @extend_schema(responses=LiftHistory)
    def lift_history(self, _request: Request, **_kwargs: Any) -> Response:
        """Return modeled and measured lift by day, as published on that day."""
        return Response(history.build_lift_history(self.get_object()))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=HoldoutDaily)
    def holdout_daily(self, request: Request, **_kwargs: Any) -> Response:
        """Return both arms' daily sums over mature users, by reward and guardrail."""
        optimization = self._get_refreshed_optimization(request, with_guardrails=True)
        return Response(history.build_holdout_daily(optimization))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=OutcomeMix)
    def outcome_mix(self, request: Request, **_kwargs: Any) -> Response:
        """Return users by day, arm, variant, context and outcome."""
        optimization = self._get_refreshed_optimization(request)
        return Response(outcome_mix.build_outcome_mix(optimization))

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=ReportDataSerializer)
    def report_data(self, request: Request, **_kwargs: Any) -> Response:
        """Return all results in one document. A part that fails holds its error instead."""
        read_refresh_mode(request)  # an invalid one fails the request, not a part of it
        optimization = self.get_object()
        resource = OptimizationSerializer(optimization).data
        parts: Mapping[str, Callable[[], object]] = {
            # Only `results` refreshes the counts, so it comes first. If the warehouse fails,
            # the other parts show the stored counts.
            "results": lambda: report.build_results(
                self._get_refreshed_optimization(request, with_guardrails=True)
            ),
            "holdout_daily": lambda: history.build_holdout_daily(optimization),
            "outcome_mix": lambda: outcome_mix.build_outcome_mix(optimization),
            "guardrails": lambda: guardrails.judge_guardrails(optimization),
            "policy_lift_history": lambda: history.build_lift_history(optimization),
        }
        own = {"optimization": resource, "model_config": resource["model_config"]}
        return Response(
            {"optimization": own}
            | {name: _build_part_or_error(part) for name, part in parts.items()}
        )

    @extend_schema(
        parameters=OBSERVATION_PARAMETERS, responses=ObservationsPageSerializer
    )
    def observations(self, request: Request, **_kwargs: Any) -> Response:
        """Return the cube's cells, newest day first, or the latest touches."""
        optimization = self._get_refreshed_optimization(request)
        if requests.read_flag(requests.get_django_request(request), "raw"):
            touches = raw_counts.list_latest_touches(optimization)
            return Response({"observations": touches, "next_cursor": None})
        limit, start = pagination.read_limit(request), _decode_cursor(request)
        cells = raw_counts.list_cells(optimization)
        end = start + limit
        return Response(
            {
                "observations": cells[start:end],
                "next_cursor": _encode_cursor(end) if end < len(cells) else None,
            }
        )


def _build_part_or_error(part: Callable[[], object]) -> object:
    try:
        return part()
    except LeveredError as error:
        return {"error": {"code": error.code, "message": error.message}}


def _encode_cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"cell:{start}".encode()).decode().rstrip("=")


def _decode_cursor(request: Request) -> int:
    text = request.query_params.get("cursor")
    if not text:
        return 0
    try:
        padded = text + "=" * (-len(text) % 4)
        kind, _, start = base64.urlsafe_b64decode(padded).decode().partition(":")
        if kind == "cell" and start.isascii() and start.isdecimal() and len(start) < 10:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise InvalidParametersError.for_field("cursor", pagination.BAD_CURSOR)
