"""Endpoint: forget a person."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations.permissions import IsAdmin
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.ingestion import erasure
from optimizations.models import Optimization
from optimizations.serializers.erasure import ErasedRowsSerializer


class PersonViewSet(OrganizationViewSet[Optimization]):
    """People in the managed warehouse; only admins forget them."""

    queryset = Optimization.objects.all()
    serializer_class = ErasedRowsSerializer
    permission_classes = [IsAdmin]

    @extend_schema(responses={200: ErasedRowsSerializer})
    def destroy(self, _request: Request, anonymous_id: str) -> Response:
        """Erase the person's events, receipts and locks; counts of sealed days stay."""
        erased = erasure.erase_user(self.organization_id, anonymous_id, self.actor)
        return Response(asdict(erased))
