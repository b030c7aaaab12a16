"""Endpoints: further readings of what was observed."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import asdict
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
from optimizations.serializers.optimization_responses import OptimizationSerializer
from optimizations.serializers.result_details import (
    GuardrailsSerializer,
    HoldoutDailySerializer,
    LiftHistorySerializer,
    ObservationsPageSerializer,
    OutcomeMixSerializer,
    ProgressSerializer,
    ReportDataSerializer,
)
from optimizations.views.results import REFRESH_PARAMETER, read_refresh_mode

Json = dict[str, Any]
OBSERVATION_PARAMETERS = [
    REFRESH_PARAMETER,
    OpenApiParameter("raw", bool, description="The latest 100 touches instead."),
    OpenApiParameter("limit", int, description="1 to 100, default 10."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


class ResultDetailsViewSet(OrganizationViewSet[Optimization]):
    """Sums over the stored counts; no warehouse is asked."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )
    serializer_class = ProgressSerializer

    def _get_refreshed_optimization(
        self, request: Request, *, guardrails: bool = False
    ) -> Optimization:
        """Find it; the warehouse is asked first where `refresh` is set."""
        optimization: Optimization = self.get_object()
        refresh = read_refresh_mode(request)
        if refresh != "false":
            full = refresh == "full"
            with slow_requests.reserve_thread():
                stored.refresh_counts(optimization, guardrails=guardrails, full=full)
        return optimization

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=ProgressSerializer)
    def progress(self, request: Request, **_kwargs: Any) -> Response:
        """Tell how far it is."""
        return Response(
            progress.build_progress(self._get_refreshed_optimization(request))
        )

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=GuardrailsSerializer)
    def guardrails(self, request: Request, **_kwargs: Any) -> Response:
        """Judge the metrics that must not suffer."""
        optimization = self._get_refreshed_optimization(request, guardrails=True)
        return Response({"guardrails": guardrails.judge_guardrails(optimization)})

    @extend_schema(responses=LiftHistorySerializer)
    def lift_history(self, _request: Request, **_kwargs: Any) -> Response:
        """Show lift, each day as it was published that day."""
        return Response({"daily": history.build_lift_history(self.get_object())})

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=HoldoutDailySerializer)
    def holdout_daily(self, request: Request, **_kwargs: Any) -> Response:
        """Show both arms by day of first touch, mature users."""
        optimization = self._get_refreshed_optimization(request, guardrails=True)
        return Response({"metrics": history.build_holdout_daily(optimization)})

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=OutcomeMixSerializer)
    def outcome_mix(self, request: Request, **_kwargs: Any) -> Response:
        """Show how users ended, by day, arm, variant and context."""
        return Response(
            outcome_mix.build_outcome_mix(self._get_refreshed_optimization(request))
        )

    @extend_schema(parameters=[REFRESH_PARAMETER], responses=ReportDataSerializer)
    def report_data(self, request: Request, **_kwargs: Any) -> Response:
        """Show everything in one document, each part failing alone."""
        optimization = self.get_object()
        whole = OptimizationSerializer(optimization).data
        parts: Mapping[str, Callable[[], Json]] = {
            # The first part asks for all: a warehouse that refuses fails it alone.
            "results": lambda: asdict(
                report.build_results(
                    self._get_refreshed_optimization(request, guardrails=True)
                )
            ),
            "holdout_daily": lambda: {
                "metrics": history.build_holdout_daily(optimization)
            },
            "outcome_mix": lambda: outcome_mix.build_outcome_mix(optimization),
            "guardrails": lambda: {
                "guardrails": guardrails.judge_guardrails(optimization)
            },
            "policy_lift_history": lambda: {
                "daily": history.build_lift_history(optimization)
            },
        }
        own = {"optimization": whole, "model_config": whole["model_config"]}
        return Response(
            {"optimization": own}
            | {name: _build_part_or_error(part) for name, part in parts.items()}
        )

    @extend_schema(
        parameters=OBSERVATION_PARAMETERS, responses=ObservationsPageSerializer
    )
    def observations(self, request: Request, **_kwargs: Any) -> Response:
        """Show the cube's cells, newest day first; or the latest touches."""
        optimization = self._get_refreshed_optimization(request)
        if requests.read_flag(requests.get_django_request(request), "raw"):
            touches = raw_counts.list_latest_touches(optimization)
            return Response({"observations": touches, "next_cursor": None})
        limit, start = pagination.read_limit(request), _decode_cursor(request)
        cells = raw_counts.list_cells(optimization)
        end = start + limit
        return Response(
            {
                "observations": [asdict(cell) for cell in cells[start:end]],
                "next_cursor": _encode_cursor(end) if end < len(cells) else None,
            }
        )


def _build_part_or_error(part: Callable[[], Json]) -> Json:
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
        kind, _, place = base64.urlsafe_b64decode(padded).decode().partition(":")
        if kind == "cell" and place.isascii() and place.isdecimal():
            return int(place[:9])
    except (binascii.Error, ValueError):
        pass
    raise InvalidParametersError.for_field("cursor", pagination.BAD_CURSOR)
