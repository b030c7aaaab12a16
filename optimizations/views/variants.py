"""Endpoints: an optimization's variants and their screenshots."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseNotModified
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import body_limits, etags, requests
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations import factors
from optimizations.configuration import create_update, screenshots
from optimizations.models import Optimization, Variant
from optimizations.serializers.optimization_requests import VariantChangeSerializer
from optimizations.serializers.variants import VariantSerializer, VariantsSerializer


class PngParser(BaseParser):
    """A picture as it is."""

    media_type = "image/png"

    def parse(
        self,
        stream: Any,
        _media_type: str | None = None,
        _parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        """Return the bytes as `picture`."""
        return {"picture": stream.read()}


class VariantViewSet(OrganizationViewSet[Optimization]):
    """The combinations of levels; number 1 is the baseline."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related("model")
    serializer_class = VariantSerializer

    @extend_schema(
        operation_id="optimizations_variants_list", responses=VariantsSerializer
    )
    def retrieve(self, _request: Request, **_kwargs: Any) -> Response:
        """List every variant, in the order of their numbers."""
        optimization = self.get_object()
        rows = optimization.variants.with_screenshot_flag()
        return Response(
            {"variants": [represent_variant(optimization, row) for row in rows]}
        )

    @extend_schema(request=VariantChangeSerializer, responses=VariantSerializer)
    def partial_update(
        self, _request: Request, number: int, **_kwargs: Any
    ) -> Response:
        """Enable or disable a variant; a new policy version serves at once."""
        optimization = self.get_object()
        self._get_variant(optimization, number)
        fields = self.read_body(VariantChangeSerializer)
        create_update.set_variant_enabled(
            optimization, number, self.actor, enabled=fields["enabled"]
        )
        return Response(
            represent_variant(optimization, self._get_variant(optimization, number))
        )

    def _get_variant(self, optimization: Optimization, number: int) -> Variant:
        rows = optimization.variants.with_screenshot_flag()
        variant = rows.filter(number=number).first()
        if variant is None:
            raise Http404
        return variant


class ScreenshotViewSet(VariantViewSet):
    """What a variant looks like."""

    parser_classes = [PngParser]

    @extend_schema(
        request={"image/png": OpenApiTypes.BINARY},
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def show(self, request: Request, number: int, **_kwargs: Any) -> HttpResponse:
        """Return the picture."""
        optimization = self.get_object()
        picture = screenshots.load_screenshot(optimization, number)
        tag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
        if etags.is_unchanged(requests.get_django_request(request), tag):
            return HttpResponseNotModified(headers={"ETag": tag})
        headers = {"ETag": tag, "X-Content-Type-Options": "nosniff"}
        return HttpResponse(picture, "image/png", headers=headers)

    @extend_schema(
        request={"image/png": OpenApiTypes.BINARY}, responses=VariantSerializer
    )
    @body_limits.limit_body(screenshots.MAX_SCREENSHOT_BYTES)
    def keep(self, _request: Request, number: int, **_kwargs: Any) -> Response:
        """Keep a PNG of at most 5 MB as the variant's picture."""
        optimization = self.get_object()
        picture = dict(self.request.data).get("picture", b"")  # an empty body
        screenshots.store_screenshot(optimization, number, picture, self.actor)
        return Response(
            represent_variant(optimization, self._get_variant(optimization, number))
        )


def represent_variant(optimization: Optimization, variant: Variant) -> dict[str, Any]:
    """Show a variant of `with_screenshot_flag`, its levels in factor order."""
    design = optimization.model.training_data_config["design_factors"]
    place = f"/api/v2/optimizations/{optimization.pk}/variants/by-number"
    pictured = getattr(variant, "has_screenshot", False)
    return {
        "number": variant.number,
        "variant_key": variant.variant_key,
        "variant": factors.list_combinations(design)[variant.number - 1],
        "enabled": variant.enabled,
        "excluded": variant.excluded,
        "screenshot": f"{place}/{variant.number}/screenshot" if pictured else None,
    }
