"""Endpoints: the links that show the results of an optimization without a log-in."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api.pagination import CreationPagination
from levered_site.organizations.viewsets import DeleteViewSet, ListViewSet
from optimizations.models import Optimization, ShareLink
from optimizations.serializers.share_links import (
    ShareLinkBodySerializer,
    ShareLinkSerializer,
    ShareLinkWithUrlSerializer,
)
from optimizations.sharing import links


class ShareLinkViewSet(ListViewSet[ShareLink], DeleteViewSet[ShareLink]):
    """Links to the results, for people without an account."""

    queryset = ShareLink.objects.listed()
    serializer_class = ShareLinkSerializer
    pagination_class = CreationPagination
    list_name = "share_links"
    secret_actions = ("create",)

    def get_queryset(self) -> QuerySet[ShareLink]:
        """Return the optimization's links. Raise Http404 if it is not one's own."""
        if getattr(self, "swagger_fake_view", False):
            return ShareLink.objects.none()
        rows = self._get_optimization().share_links.listed()
        return rows.select_related("optimization")

    @extend_schema(
        request=ShareLinkBodySerializer, responses={201: ShareLinkWithUrlSerializer}
    )
    def create(self, _request: Request, **_kwargs: Any) -> Response:
        """Make a link. Only this response has its address.

        Whoever has the address sees the results until the link expires or is revoked.
        """
        optimization = self._get_optimization()
        body = self.read_body(ShareLinkBodySerializer)
        link, url = links.create_link(
            optimization,
            self.actor,
            days=body["expires_in_days"],
            label=body["label"],
        )
        representation = {**ShareLinkSerializer(link).data, "url": url}
        return Response(representation, status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ShareLink) -> None:
        """Revoke it, at once."""
        links.revoke_link(instance, self.actor)

    def _get_optimization(self) -> Optimization:
        own = Optimization.objects.for_organization(self.organization_id)
        return get_object_or_404(own, pk=self.kwargs["optimization_id"])
