"""Endpoints: events sent in by a backend with an API key."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from levered_site.api import body_limits, parsers, rate_limits, requests
from levered_site.api.base_view import BaseAPIView
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.authentication import ApiKeyAuthentication
from levered_site.organizations.permissions import HasApiKey
from optimizations.ingestion import service
from optimizations.ingestion.service import IngestResult
from optimizations.serializers.events import (
    ExposureBatchSerializer,
    IngestReceiptSerializer,
    RewardBatchSerializer,
)

LARGEST_BODY = 5 * body_limits.MB
RESPONSES = {200: IngestReceiptSerializer, 207: IngestReceiptSerializer}


class EventsParser(parsers.OrjsonParser):
    """JSON whose texts are judged event by event: one bad event refuses itself alone."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the body's object; raises BadRequestError where it is not one."""
        del media_type, parser_context
        return parsers.parse_object(stream.read())


class ApiKeyThrottle(BaseThrottle):
    """Every request of one API key, whatever address it comes from."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count; over the limit it raises RateLimitedError itself."""
        del view
        holder = request.user
        assert isinstance(holder, KeyHolder)
        rate_limits.count_request(
            requests.get_django_request(request),
            "ingest",
            settings.RATELIMIT_INGEST,
            holder.key_id,
        )
        return True


class _IngestView(BaseAPIView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasApiKey]
    throttle_classes = [ApiKeyThrottle]
    parser_classes = [EventsParser]

    def build_response(self, receipt: IngestResult) -> Response:
        """Tell what was kept: 200, or 207 where some were refused."""
        body = {
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "rejected": [
                {"index": each.index, "code": each.code, "message": each.message}
                for each in receipt.rejected
            ],
        }
        some = status.HTTP_207_MULTI_STATUS if receipt.rejected else status.HTTP_200_OK
        return Response(body, some)

    @property
    def holder(self) -> KeyHolder:
        """Whose key it is."""
        holder = self.request.user
        assert isinstance(holder, KeyHolder)
        return holder


@body_limits.limit_body(LARGEST_BODY)
class ExposuresView(_IngestView):
    """Exposures: who saw which variant."""

    @extend_schema(
        operation_id="ingest_exposures",
        request=ExposureBatchSerializer,
        responses=RESPONSES,
    )
    def post(self, request: Request) -> Response:
        """Keep up to 500 exposures; what is answered 200 or 207 is on disk."""
        owner = self.holder.organization_id
        return self.build_response(
            service.accept_exposures(owner, _read_events(request))
        )


@body_limits.limit_body(LARGEST_BODY)
class RewardsView(_IngestView):
    """Rewards: who did what."""

    @extend_schema(
        operation_id="ingest_rewards",
        request=RewardBatchSerializer,
        responses=RESPONSES,
    )
    def post(self, request: Request) -> Response:
        """Keep up to 500 rewards; what is answered 200 or 207 is on disk."""
        owner = self.holder.organization_id
        return self.build_response(service.accept_rewards(owner, _read_events(request)))


def _read_events(request: Request) -> object:
    """Take what was sent as events, whatever it is; the deed judges it."""
    return request.data.get("events") if isinstance(request.data, dict) else None
