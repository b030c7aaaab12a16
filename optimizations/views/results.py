"""Endpoint: the results of an optimization."""

from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import payloads, requests
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.results.readings import report
from optimizations.results.readings.report import Results
from optimizations.views import csv_rows
from warehouse import connections

REFRESH_PARAMETER = OpenApiParameter(
    "refresh",
    str,
    enum=("true", "false", "full"),
    description="Have the warehouse count first: open and reopened days (`true`), or all "
    "days that it still has (`full`). Default false.",
)
SQL_PARAMETER = OpenApiParameter(
    "sql", bool, description="Add the SQL statement behind the measured figures."
)


def read_refresh_mode(request: Request) -> str:
    """Read `refresh`: "true", "false" or "full". Raises InvalidParametersError."""
    django_request = requests.get_django_request(request)
    choices = ("true", "false", "full")
    return requests.read_choice(django_request, "refresh", choices) or "false"


def reserve_refresh(optimization: Optimization) -> AbstractContextManager[None]:
    """Let one request have the warehouse count, for REFRESH_SECONDS in all.

    Raises UnavailableError if the process or the organization runs too many of them.
    """
    return connections.reserve_query(
        optimization.organization_id, settings.REFRESH_SECONDS
    )


class StoredResultsViewSet(OrganizationViewSet[Optimization]):
    """Answers from the stored counts, which may be large."""

    def has_large_answer(self) -> bool:
        """Return whether the answer waits for its turn: not while a warehouse counts."""
        return super().has_large_answer() and read_refresh_mode(self.request) == "false"


class ResultsViewSet(StoredResultsViewSet):
    """Figures of an optimization, from the model and measured against the holdout."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )

    large_actions = ("results",)
    csv_sections = {"results": csv_rows.RESULTS}
    query_parameters = {"results": (REFRESH_PARAMETER.name, SQL_PARAMETER.name)}

    @extend_schema(parameters=[REFRESH_PARAMETER, SQL_PARAMETER], responses=Results)
    def results(self, request: Request, **_kwargs: Any) -> Response:
        """Return results from the stored counts; only `refresh` asks the warehouse."""
        optimization = self.get_object()
        django_request = requests.get_django_request(request)
        with_sql = requests.read_flag(django_request, "sql")
        refresh = read_refresh_mode(request)
        if refresh != "false":
            with reserve_refresh(optimization):
                full = refresh == "full"
                results = report.build_results(optimization, refresh=True, full=full)
        else:
            results = report.build_results(optimization)
        if not with_sql:
            return Response(results)
        with reserve_refresh(optimization):  # a connected Postgres is asked its version
            statements = report.build_statements(optimization)
        return Response({**payloads.list_fields(results), "sql": statements})
