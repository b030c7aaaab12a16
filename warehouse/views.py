"""Endpoints: the organization's connection, and looking into its warehouse."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import etags
from levered_site.errors import InvalidParametersError
from levered_site.organizations.permissions import AdminFor
from levered_site.organizations.viewsets import OrganizationViewSet
from warehouse import connections
from warehouse.backends.base import QueryFailedError
from warehouse.models import Connection
from warehouse.serializers import (
    AnswerShape,
    ColumnsShape,
    ConnectionShape,
    NewConnection,
    PresentConnection,
    QueryBody,
    TablesShape,
    TestShape,
    answer_body,
    given,
)


class ConnectionViewSet(OrganizationViewSet[Connection]):
    """The one connection. Only admins make it and take it away."""

    queryset = Connection.objects.all()
    serializer_class = ConnectionShape
    permission_classes = [AdminFor("create", "destroy")]

    @extend_schema(operation_id="warehouse_connection", responses=PresentConnection)
    def retrieve(self, request: Request) -> Response:
        """Show it; null means the managed warehouse."""
        shown = self._shown()
        tag = etags.of(shown)
        if etags.is_unchanged(request._request, tag):  # noqa: SLF001 - DRF's way
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(shown, headers={"ETag": tag})

    def _shown(self) -> Mapping[str, Any]:
        connection = connections.of(self.organization_id)
        shown: Mapping[str, Any] = PresentConnection({"connection": connection}).data
        return shown

    @extend_schema(request=NewConnection, responses={201: ConnectionShape})
    def create(self, _request: Request) -> Response:
        """Connect, or replace the connection there is; tested before it is stored."""
        fields = self.read_body(NewConnection)
        made = connections.connect(self.organization_id, fields, self.actor)
        return Response(ConnectionShape(made).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request) -> Response:
        """Go back to the managed warehouse."""
        with connections.held(self.organization_id):
            tag = etags.of(self._shown())
            etags.require_match(request._request, tag)  # noqa: SLF001 - DRF's way
            connections.forget(self.organization_id, self.actor)
        return Response(None, status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TestShape)
    def test(self, _request: Request) -> Response:
        """Reach the warehouse that is connected and say how it went."""
        self.refuse_body()
        return Response(given(asdict(connections.test(self.organization_id))))


class WarehouseViewSet(OrganizationViewSet[Connection]):
    """Looking into the warehouse."""

    queryset = Connection.objects.all()
    serializer_class = TablesShape

    @extend_schema(responses=TablesShape)
    def tables(self, _request: Request) -> Response:
        """List what a query may read."""
        with connections.borrowed(self.organization_id) as backend:
            tables = backend.tables()
        return Response({"tables": [given(asdict(table)) for table in tables]})

    @extend_schema(responses=ColumnsShape)
    def columns(self, _request: Request, table: str) -> Response:
        """Describe one table."""
        with connections.borrowed(self.organization_id) as backend:
            columns = backend.columns(table)
        return Response({"columns": [asdict(column) for column in columns]})

    @extend_schema(request=QueryBody, responses=AnswerShape)
    def query(self, _request: Request) -> Response:
        """Run one read-only SELECT: at most 1,000 rows and 30 s."""
        body = self.read_body(QueryBody)
        try:
            with connections.borrowed(self.organization_id) as backend:
                answer = backend.query(body["sql"], body["limit"])
        except QueryFailedError as error:
            if connections.is_connected(self.organization_id):
                raise
            # No warehouse of the customer's has refused: what was sent is wrong.
            raise InvalidParametersError.of("sql", error.message) from error
        return Response(answer_body(answer))
