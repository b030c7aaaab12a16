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

from levered_site.api import bodies, parsers, ratelimits
from levered_site.api.endpoints import Endpoint
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.authentication import ApiKeyAuthentication
from levered_site.organizations.permissions import HoldsKey
from optimizations.ingestion import service
from optimizations.ingestion.service import Receipt
from optimizations.serializers.events import (
    ExposuresShape,
    ReceiptShape,
    RewardsShape,
)

LARGEST_BODY = 5 * bodies.MB
ANSWERS = {200: ReceiptShape, 207: ReceiptShape}


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


class KeyThrottle(BaseThrottle):
    """Every request of one API key, whatever address it comes from."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count; over the limit it raises RateLimitedError itself."""
        del view
        holder = request.user
        assert isinstance(holder, KeyHolder)
        plain = request._request  # noqa: SLF001 - DRF offers no other way
        ratelimits.check(plain, "ingest", settings.RATELIMIT_INGEST, holder.key_id)
        return True


class _Ingest(Endpoint):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HoldsKey]
    throttle_classes = [KeyThrottle]
    parser_classes = [EventsParser]

    def answer(self, receipt: Receipt) -> Response:
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


@bodies.limited_to(LARGEST_BODY)
class ExposuresView(_Ingest):
    """Exposures: who saw which variant."""

    @extend_schema(
        operation_id="ingest_exposures", request=ExposuresShape, responses=ANSWERS
    )
    def post(self, request: Request) -> Response:
        """Keep up to 500 exposures; what is answered 200 or 207 is on disk."""
        owner = self.holder.organization_id
        return self.answer(service.accept_exposures(owner, _events(request)))


@bodies.limited_to(LARGEST_BODY)
class RewardsView(_Ingest):
    """Rewards: who did what."""

    @extend_schema(
        operation_id="ingest_rewards", request=RewardsShape, responses=ANSWERS
    )
    def post(self, request: Request) -> Response:
        """Keep up to 500 rewards; what is answered 200 or 207 is on disk."""
        owner = self.holder.organization_id
        return self.answer(service.accept_rewards(owner, _events(request)))


def _events(request: Request) -> object:
    """Take what was sent as events, whatever it is; the deed judges it."""
    return request.data.get("events") if isinstance(request.data, dict) else None
