"""Endpoints: what came out."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import requests, slow_requests
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.results import report
from optimizations.serializers.results import ResultsSerializer

REFRESH_PARAMETER = OpenApiParameter(
    "refresh",
    str,
    enum=("true", "false", "full"),
    description="Ask the warehouse first: for the days not settled yet (`true`), or for "
    "all that it still has (`full`). Default false.",
)
SQL_PARAMETER = OpenApiParameter(
    "sql", bool, description="Add the statement behind the measured figures."
)


def read_refresh_mode(request: Request) -> str:
    """Read `refresh`: "true", "false" or "full". Raises InvalidParametersError."""
    django_request = requests.get_django_request(request)
    choices = ("true", "false", "full")
    return requests.read_choice(django_request, "refresh", choices) or "false"


class ResultsViewSet(OrganizationViewSet[Optimization]):
    """Figures of an optimization: modeled, and measured against the holdout."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )
    serializer_class = ResultsSerializer

    @extend_schema(
        parameters=[REFRESH_PARAMETER, SQL_PARAMETER], responses=ResultsSerializer
    )
    def results(self, request: Request, **_kwargs: Any) -> Response:
        """Show results from the stored counts; nothing is asked of the warehouse."""
        optimization = self.get_object()
        django_request = requests.get_django_request(request)
        with_sql = requests.read_flag(django_request, "sql")
        refresh = read_refresh_mode(request)
        if refresh != "false":
            with slow_requests.reserve_thread():
                full = refresh == "full"
                found = report.build_results(optimization, refresh=True, full=full)
        else:
            found = report.build_results(optimization)
        body = asdict(found)
        if with_sql:
            body["sql"] = report.build_statements(optimization)
        return Response(body)
