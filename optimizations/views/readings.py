"""Endpoints: further readings of what was observed."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import pagination, requests, waiting
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
from optimizations.serializers.answers import OptimizationShape
from optimizations.serializers.readings import (
    GuardrailsShape,
    HoldoutDailyShape,
    LiftHistoryShape,
    ObservationsShape,
    OutcomeMixShape,
    ProgressShape,
    ReportDataShape,
)
from optimizations.views.results import REFRESH, asked_to_refresh

Json = dict[str, Any]
PAGE = [
    REFRESH,
    OpenApiParameter("raw", bool, description="The latest 100 touches instead."),
    OpenApiParameter("limit", int, description="1 to 100, default 10."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


class ReadingsViewSet(OrganizationViewSet[Optimization]):
    """Sums over the stored counts; no warehouse is asked."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )
    serializer_class = ProgressShape

    def _asked(self, request: Request, *, guardrails: bool = False) -> Optimization:
        """Find it; the warehouse is asked first where `refresh` is set."""
        optimization: Optimization = self.get_object()
        refresh = asked_to_refresh(request)
        if refresh != "false":
            full = refresh == "full"
            with waiting.seated():
                stored.ask(optimization, guardrails=guardrails, full=full)
        return optimization

    @extend_schema(parameters=[REFRESH], responses=ProgressShape)
    def progress(self, request: Request, **_kwargs: Any) -> Response:
        """Tell how far it is."""
        return Response(progress.of(self._asked(request)))

    @extend_schema(parameters=[REFRESH], responses=GuardrailsShape)
    def guardrails(self, request: Request, **_kwargs: Any) -> Response:
        """Judge the metrics that must not suffer."""
        optimization = self._asked(request, guardrails=True)
        return Response({"guardrails": guardrails.guardrails(optimization)})

    @extend_schema(responses=LiftHistoryShape)
    def lift_history(self, _request: Request, **_kwargs: Any) -> Response:
        """Show lift, each day as it was published that day."""
        return Response({"daily": history.lift_history(self.get_object())})

    @extend_schema(parameters=[REFRESH], responses=HoldoutDailyShape)
    def holdout_daily(self, request: Request, **_kwargs: Any) -> Response:
        """Show both arms by day of first touch, mature users."""
        optimization = self._asked(request, guardrails=True)
        return Response({"metrics": history.holdout_daily(optimization)})

    @extend_schema(parameters=[REFRESH], responses=OutcomeMixShape)
    def outcome_mix(self, request: Request, **_kwargs: Any) -> Response:
        """Show how users ended, by day, arm, variant and context."""
        return Response(outcome_mix.outcome_mix(self._asked(request)))

    @extend_schema(parameters=[REFRESH], responses=ReportDataShape)
    def report_data(self, request: Request, **_kwargs: Any) -> Response:
        """Show everything in one document, each part failing alone."""
        optimization = self.get_object()
        whole = OptimizationShape(optimization).data
        parts: Mapping[str, Callable[[], Json]] = {
            # The first part asks for all: a warehouse that refuses fails it alone.
            "results": lambda: asdict(report.of(self._asked(request, guardrails=True))),
            "holdout_daily": lambda: {"metrics": history.holdout_daily(optimization)},
            "outcome_mix": lambda: outcome_mix.outcome_mix(optimization),
            "guardrails": lambda: {"guardrails": guardrails.guardrails(optimization)},
            "policy_lift_history": lambda: {
                "daily": history.lift_history(optimization)
            },
        }
        own = {"optimization": whole, "model_config": whole["model_config"]}
        return Response(
            {"optimization": own}
            | {name: _or_error(part) for name, part in parts.items()}
        )

    @extend_schema(parameters=PAGE, responses=ObservationsShape)
    def observations(self, request: Request, **_kwargs: Any) -> Response:
        """Show the cube's cells, newest day first; or the latest touches."""
        optimization = self._asked(request)
        if requests.flag(request._request, "raw"):  # noqa: SLF001 - DRF's way
            touches = raw_counts.latest(optimization)
            return Response({"observations": touches, "next_cursor": None})
        limit, start = pagination.limit_of(request), _start(request)
        cells = raw_counts.cells(optimization)
        end = start + limit
        return Response(
            {
                "observations": [asdict(cell) for cell in cells[start:end]],
                "next_cursor": _cursor(end) if end < len(cells) else None,
            }
        )


def _or_error(part: Callable[[], Json]) -> Json:
    try:
        return part()
    except LeveredError as error:
        return {"error": {"code": error.code, "message": error.message}}


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"cell:{start}".encode()).decode().rstrip("=")


def _start(request: Request) -> int:
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
    raise InvalidParametersError.of("cursor", pagination.BAD_CURSOR)
