"""Endpoint: erase a person."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations.permissions import IsAdmin
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.cube import person_erasure
from optimizations.ingestion.erasure import ErasedCounts
from optimizations.models import Optimization


class PersonViewSet(OrganizationViewSet[Optimization]):
    """People in the managed warehouse; only admins may erase them."""

    queryset = Optimization.objects.all()
    permission_classes = [IsAdmin]

    @extend_schema(responses={200: ErasedCounts})
    def destroy(self, _request: Request, anonymous_id: str) -> Response:
        """Erase the person's events, receipts and assignments; sealed days keep counts."""
        counts = person_erasure.erase_user(
            self.organization_id, anonymous_id, self.actor
        )
        return Response(counts)
