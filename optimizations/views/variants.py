"""Endpoints: an optimization's variants and their screenshots."""

from collections.abc import Mapping
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import body_limits, etags, requests
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.configuration import create_update, screenshots
from optimizations.models import Optimization, Variant
from optimizations.serializers.optimization_requests import VariantChangeSerializer
from optimizations.serializers.variants import (
    VariantDetails,
    VariantList,
    represent_variant,
)
from optimizations.views import csv_rows


class PngParser(BaseParser):
    """Read a PNG body as it is."""

    media_type = "image/png"

    def parse(
        self,
        stream: Any,
        _media_type: str | None = None,
        _parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        """Return the bytes under the key `picture`."""
        return {"picture": stream.read()}


def answer_screenshot(
    request: HttpRequest, optimization: Optimization, number: int
) -> HttpResponseBase:
    """Answer with a variant's PNG; 304 if If-None-Match names it.

    Raises NotFoundError where there is none.
    """
    stored = screenshots.find_screenshot(optimization, number)
    tag = f'"{stored.sha256.hex()[:32]}"'
    if etags.is_unchanged(request, tag):
        return HttpResponseNotModified(headers={"ETag": tag})
    headers = {
        "ETag": tag,
        "Content-Length": str(stored.size),
        "X-Content-Type-Options": "nosniff",
    }
    parts = screenshots.read_screenshot(stored)
    if stored.size <= screenshots.PART_BYTES:
        return HttpResponse(b"".join(parts), "image/png", headers=headers)
    return StreamingHttpResponse(parts, content_type="image/png", headers=headers)


class VariantViewSet(OrganizationViewSet[Optimization]):
    """Variants: the combinations of levels, of which number 1 is the baseline."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related("model")
    csv_sections = {"retrieve": csv_rows.VARIANTS}

    @extend_schema(responses=VariantList)
    def retrieve(self, _request: Request, **_kwargs: Any) -> Response:
        """List every variant, by number."""
        optimization = self.get_object()
        rows = optimization.variants.with_screenshot_flag()
        variants = [represent_variant(optimization, row) for row in rows]
        return Response(VariantList(variants))

    @extend_schema(request=VariantChangeSerializer, responses=VariantDetails)
    def partial_update(
        self, _request: Request, number: int, **_kwargs: Any
    ) -> Response:
        """Enable or disable a variant; the new policy version serves at once."""
        optimization = self.get_object()
        self._get_variant(optimization, number)
        fields = self.read_body(VariantChangeSerializer)
        create_update.set_variant_enabled(
            optimization, number, self.actor, enabled=fields["enabled"]
        )
        variant = self._get_variant(optimization, number)
        return Response(represent_variant(optimization, variant))

    def _get_variant(self, optimization: Optimization, number: int) -> Variant:
        rows = optimization.variants.with_screenshot_flag()
        variant = rows.filter(number=number).first()
        if variant is None:
            raise Http404
        return variant


class ScreenshotViewSet(VariantViewSet):
    """Screenshots of variants."""

    parser_classes = [PngParser]

    @extend_schema(
        request={"image/png": OpenApiTypes.BINARY},
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def show(self, request: Request, number: int, **_kwargs: Any) -> HttpResponseBase:
        """Return the PNG; 304 if If-None-Match names it."""
        optimization = self.get_object()
        return answer_screenshot(
            requests.get_django_request(request), optimization, number
        )

    @extend_schema(request={"image/png": OpenApiTypes.BINARY}, responses=VariantDetails)
    @body_limits.limit_body(screenshots.MAX_SCREENSHOT_BYTES)
    def keep(self, _request: Request, number: int, **_kwargs: Any) -> Response:
        """Store a PNG of at most 5 MB as the variant's screenshot.

        It may have 60 million pixels (12 million if it is interlaced) and 20,000 a side.
        A picture with more, or with pixels that cannot be decoded, is a 400.
        """
        optimization = self.get_object()
        picture = dict(self.request.data).get("picture", b"")  # an empty body
        screenshots.store_screenshot(optimization, number, picture, self.actor)
        variant = self._get_variant(optimization, number)
        return Response(represent_variant(optimization, variant))
