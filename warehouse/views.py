"""Endpoints: the organization's connection, and looking into its warehouse."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import etags, requests
from levered_site.errors import InvalidParametersError
from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.viewsets import OrganizationViewSet
from warehouse import connections
from warehouse.backends.errors import QueryFailedError
from warehouse.models import Connection
from warehouse.serializers import (
    ColumnsSerializer,
    ConnectionSerializer,
    ConnectionTestSerializer,
    NewConnectionSerializer,
    PresentConnectionSerializer,
    QueryBodySerializer,
    QueryResultSerializer,
    TablesSerializer,
    drop_none_values,
    serialize_query_result,
)


class ConnectionViewSet(OrganizationViewSet[Connection]):
    """The one connection. Only admins make it and take it away."""

    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    permission_classes = [require_admin_for("create", "destroy")]

    @extend_schema(
        operation_id="warehouse_connection", responses=PresentConnectionSerializer
    )
    def retrieve(self, request: Request) -> Response:
        """Show it; null means the managed warehouse."""
        shown = self._serialize_connection()
        tag = etags.compute_etag(shown)
        if etags.is_unchanged(requests.get_django_request(request), tag):
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(shown, headers={"ETag": tag})

    def _serialize_connection(self) -> Mapping[str, Any]:
        connection = connections.find_connection(self.organization_id)
        shown: Mapping[str, Any] = PresentConnectionSerializer(
            {"connection": connection}
        ).data
        return shown

    @extend_schema(
        request=NewConnectionSerializer, responses={201: ConnectionSerializer}
    )
    def create(self, _request: Request) -> Response:
        """Connect, or replace the connection there is; tested before it is stored."""
        fields = self.read_body(NewConnectionSerializer)
        made = connections.connect_warehouse(self.organization_id, fields, self.actor)
        return Response(ConnectionSerializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request) -> Response:
        """Go back to the managed warehouse."""
        with connections.lock_connection(self.organization_id):
            tag = etags.compute_etag(self._serialize_connection())
            etags.require_if_match(requests.get_django_request(request), tag)
            connections.disconnect_warehouse(self.organization_id, self.actor)
        return Response(None, status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ConnectionTestSerializer)
    def test(self, _request: Request) -> Response:
        """Reach the warehouse that is connected and say how it went."""
        self.refuse_body()
        return Response(
            drop_none_values(asdict(connections.test_connection(self.organization_id)))
        )


class WarehouseViewSet(OrganizationViewSet[Connection]):
    """Looking into the warehouse."""

    queryset = Connection.objects.all()
    serializer_class = TablesSerializer

    @extend_schema(responses=TablesSerializer)
    def tables(self, _request: Request) -> Response:
        """List what a query may read."""
        with connections.borrow_backend(self.organization_id) as backend:
            tables = backend.tables()
        return Response(
            {"tables": [drop_none_values(asdict(table)) for table in tables]}
        )

    @extend_schema(responses=ColumnsSerializer)
    def columns(self, _request: Request, table: str) -> Response:
        """Describe one table."""
        with connections.borrow_backend(self.organization_id) as backend:
            columns = backend.columns(table)
        return Response({"columns": [asdict(column) for column in columns]})

    @extend_schema(request=QueryBodySerializer, responses=QueryResultSerializer)
    def query(self, _request: Request) -> Response:
        """Run one read-only SELECT: at most 1,000 rows and 30 s."""
        body = self.read_body(QueryBodySerializer)
        try:
            with connections.borrow_backend(self.organization_id) as backend:
                answer = backend.query(body["sql"], body["limit"])
        except QueryFailedError as error:
            if connections.is_connected(self.organization_id):
                raise
            # No warehouse of the customer's has refused: what was sent is wrong.
            raise InvalidParametersError.for_field("sql", error.message) from error
        return Response(serialize_query_result(answer))
