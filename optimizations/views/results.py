"""Endpoints: what came out."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import requests, waiting
from levered_site.errors import UnavailableError
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations import results
from optimizations.models import Optimization
from optimizations.serializers.results import ResultsShape

REFRESH = OpenApiParameter(
    "refresh", bool, description="Ask the warehouse first; default false."
)
SQL = OpenApiParameter(
    "sql", bool, description="Add the statement behind the measured figures."
)


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
        if requests.flag(plain, "refresh"):
            with waiting.seated():
                found = results.of(optimization, refresh=True)
        else:
            found = results.of(optimization)
        body = asdict(found)
        if with_sql:
            body["sql"] = results.statements(optimization)
        return Response(body)

    @extend_schema(request=None, responses={})
    def evaluate(self, _request: Request, **_kwargs: Any) -> Response:
        """Say that off-policy evaluation is not there yet."""
        self.get_object()
        raise UnavailableError("Evaluation of other policies is not available yet.")
