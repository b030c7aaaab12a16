"""Endpoints: the organization's warehouse connection, and queries of its warehouse."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import etags, requests
from levered_site.api.csv_sections import QueryRowsSection, RowSection
from levered_site.errors import InvalidParametersError
from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.viewsets import OrganizationViewSet
from warehouse import connections, previews
from warehouse.backends import query_validation
from warehouse.backends.base import MAX_TABLES
from warehouse.backends.query_results import Column, Table
from warehouse.connections import ConnectionTestResult
from warehouse.models import Connection
from warehouse.previews import ColumnList, QueryRows, TableList
from warehouse.serializers import (
    ConnectionSerializer,
    NewConnectionSerializer,
    PresentConnectionSerializer,
    QueryBodySerializer,
    SavedConnectionSerializer,
)

MAX_SEARCH_LENGTH = 200
SEARCH_PARAMETER = OpenApiParameter(
    "search", str, description="A part of `schema.name`, in any case."
)


def _read_search(request: Request) -> str:
    """Return the query parameter `search`; "" if it is absent.

    Raises InvalidParametersError if it is too long or holds a NUL character.
    """
    search: str = request.query_params.get("search", "")
    if len(search) > MAX_SEARCH_LENGTH or "\0" in search:
        raise InvalidParametersError.for_field(
            "search", f"must have at most {MAX_SEARCH_LENGTH} characters and no NUL"
        )
    return search


NO_CONNECTION = {
    "id": None,
    "provider": Connection.Provider.MANAGED,
    "project_id": "",
    "dataset_id": "",
}


class ConnectionViewSet(OrganizationViewSet[Connection]):
    """The organization's connection. Only admins may create or delete it."""

    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    permission_classes = [require_admin_for("create", "destroy")]
    read_only_actions = ("test",)

    @extend_schema(responses=PresentConnectionSerializer)
    def retrieve(self, request: Request) -> Response:
        """Return it; without one the provider is `managed`."""
        body = self._serialize_connection()
        tag = etags.compute_etag(body)
        if etags.is_unchanged(requests.get_django_request(request), tag):
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(body, headers={"ETag": tag})

    def _serialize_connection(self) -> Mapping[str, Any]:
        connection = connections.find_connection(self.organization_id)
        body: Mapping[str, Any] = PresentConnectionSerializer(
            {"connection": connection or NO_CONNECTION}
        ).data
        return body

    @extend_schema(
        request=NewConnectionSerializer, responses={201: SavedConnectionSerializer}
    )
    def create(self, _request: Request) -> Response:
        """Connect a warehouse, or replace the connection; it is tested before it is stored."""
        fields = self.read_body(NewConnectionSerializer)
        connection = connections.connect_warehouse(
            self.organization_id, fields, self.actor
        )
        return Response(
            SavedConnectionSerializer(connection).data, status.HTTP_201_CREATED
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request) -> Response:
        """Delete the connection and return to the managed warehouse."""
        with connections.lock_connection(self.organization_id):
            tag = etags.compute_etag(self._serialize_connection())
            etags.require_if_match(requests.get_django_request(request), tag)
            connections.disconnect_warehouse(self.organization_id, self.actor)
        return Response(None, status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ConnectionTestResult)
    def test(self, _request: Request) -> Response:
        """Connect to the warehouse and return the result."""
        self.refuse_body()
        return Response(connections.test_connection(self.organization_id))


class WarehouseViewSet(OrganizationViewSet[Connection]):
    """Tables, columns and queries of the organization's warehouse."""

    queryset = Connection.objects.all()
    read_only_actions = ("query",)
    query_parameters = {"tables": (SEARCH_PARAMETER.name,)}
    csv_sections = {
        "tables": (RowSection("tables", Table),),
        "columns": (RowSection("columns", Column),),
        "query": (QueryRowsSection(),),
    }

    @extend_schema(responses=TableList, parameters=[SEARCH_PARAMETER])
    def tables(self, request: Request) -> Response:
        """List the tables that a query may read, at most 2,000."""
        search = _read_search(request)
        with connections.borrow_backend(self.organization_id) as backend:
            tables = backend.tables(search)
        return Response(TableList(tables[:MAX_TABLES], len(tables) > MAX_TABLES))

    @extend_schema(responses=ColumnList)
    def columns(self, _request: Request, table: str) -> Response:
        """List the columns of a table."""
        with connections.borrow_backend(self.organization_id) as backend:
            return Response(ColumnList(list(backend.columns(table))))

    @extend_schema(request=QueryBodySerializer, responses=QueryRows)
    def query(self, _request: Request) -> Response:
        """Run one read-only SELECT of at most 1,000 rows and 30 s."""
        body = self.read_body(QueryBodySerializer)
        with (
            query_validation.translate_query_failures(),
            connections.borrow_backend(self.organization_id) as backend,
        ):
            result = backend.query(body["sql"], body["limit"])
        return Response(previews.build_query_rows(result))
