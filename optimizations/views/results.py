"""Endpoints: what came out."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import requests, waiting
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.results import report
from optimizations.serializers.results import ResultsShape

REFRESH = OpenApiParameter(
    "refresh",
    str,
    enum=("true", "false", "full"),
    description="Ask the warehouse first: for the days not settled yet (`true`), or for "
    "all that it still has (`full`). Default false.",
)
SQL = OpenApiParameter(
    "sql", bool, description="Add the statement behind the measured figures."
)


def asked_to_refresh(request: Request) -> str:
    """Read `refresh`: "true", "false" or "full". Raises InvalidParametersError."""
    plain = request._request  # noqa: SLF001 - DRF offers no other way
    return requests.choice(plain, "refresh", ("true", "false", "full")) or "false"


class ResultsViewSet(OrganizationViewSet[Optimization]):
    """Figures of an optimization: modeled, and measured against the holdout."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )
    serializer_class = ResultsShape

    @extend_schema(parameters=[REFRESH, SQL], responses=ResultsShape)
    def results(self, request: Request, **_kwargs: Any) -> Response:
        """Show results from the stored counts; nothing is asked of the warehouse."""
        optimization = self.get_object()
        plain = request._request  # noqa: SLF001 - DRF offers no other way
        with_sql = requests.flag(plain, "sql")
        refresh = asked_to_refresh(request)
        if refresh != "false":
            with waiting.seated():
                full = refresh == "full"
                found = report.of(optimization, refresh=True, full=full)
        else:
            found = report.of(optimization)
        body = asdict(found)
        if with_sql:
            body["sql"] = report.statements(optimization)
        return Response(body)
