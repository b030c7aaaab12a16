"""Endpoints: events that a backend sends with an API key."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import body_limits, parsers, requests
from levered_site.api.secret_key_view import SecretKeyView
from levered_site.api.throttles import KeyThrottle
from levered_site.organizations import scopes
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.authentication import ApiKeyAuthentication
from levered_site.organizations.permissions import require_key_scope
from optimizations.ingestion import byte_quota, service
from optimizations.ingestion.service import IngestResult
from optimizations.serializers.events import (
    ExposureBatchSerializer,
    IngestReceiptSerializer,
    RewardBatchSerializer,
)

LARGEST_BODY = 5 * body_limits.MB
RESPONSES = {200: IngestReceiptSerializer, 207: IngestReceiptSerializer}


class EventsParser(parsers.OrjsonParser):
    """JSON whose strings are validated later, so that a bad event rejects only itself."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object of the body.

        Raises BadRequestError if it is none, and RateLimitedError if the organization has
        sent as many bytes today as it may.
        """
        del media_type
        api_request = (parser_context or {})["request"]
        request = requests.get_django_request(api_request)
        body = body_limits.decompress_body(request, stream.read(), LARGEST_BODY)
        byte_quota.spend_bytes(api_request.user.organization_id, len(body))
        return parsers.parse_object(body)


class IngestThrottle(KeyThrottle):
    """Rate limit by API key, whatever address a request comes from."""

    group = "ingest"
    rate_setting = "RATELIMIT_INGEST"


class _IngestView(SecretKeyView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [require_key_scope(scopes.INGEST)]
    throttle_classes = [IngestThrottle]
    parser_classes = [EventsParser]

    def build_response(self, result: IngestResult) -> Response:
        """Return the receipt: 200, or 207 if some events were rejected."""
        rejected = [
            {
                "index": rejection.index,
                "code": rejection.code,
                "message": rejection.message,
            }
            for rejection in result.rejected
        ]
        body = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": rejected,
        }
        code = status.HTTP_207_MULTI_STATUS if rejected else status.HTTP_200_OK
        return Response(body, code)

    @property
    def holder(self) -> KeyHolder:
        """The holder of the API key."""
        holder = self.request.user
        assert isinstance(holder, KeyHolder)
        return holder


@body_limits.accept_gzip
@body_limits.limit_body(LARGEST_BODY)
class ExposuresView(_IngestView):
    """Exposures: which user saw which variant."""

    @extend_schema(
        request=ExposureBatchSerializer,
        responses=RESPONSES,
    )
    def post(self, request: Request) -> Response:
        """Store up to 500 exposures. After a 200 or 207 they are on disk.

        The body may be compressed: `Content-Encoding: gzip`.
        """
        organization_id, events = self.holder.organization_id, _read_events(request)
        return self.build_response(service.accept_exposures(organization_id, events))


@body_limits.accept_gzip
@body_limits.limit_body(LARGEST_BODY)
class RewardsView(_IngestView):
    """Rewards: which user did what."""

    @extend_schema(
        request=RewardBatchSerializer,
        responses=RESPONSES,
    )
    def post(self, request: Request) -> Response:
        """Store up to 500 rewards. After a 200 or 207 they are on disk.

        The body may be compressed: `Content-Encoding: gzip`.
        """
        organization_id, events = self.holder.organization_id, _read_events(request)
        return self.build_response(service.accept_rewards(organization_id, events))


def _read_events(request: Request) -> object:
    """Return the body's `events`, of whatever type; the service validates them."""
    return request.data.get("events") if isinstance(request.data, dict) else None
