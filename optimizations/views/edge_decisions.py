"""Endpoint: record what clients decided by the policy, without asking for each user."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import body_limits
from levered_site.api.secret_key_view import SecretKeyView
from levered_site.organizations import scopes
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.authentication import ApiKeyAuthentication
from levered_site.organizations.permissions import require_key_scope
from optimizations.serializers.edge_decisions import (
    DecisionBatchSerializer,
    DecisionReceiptsSerializer,
)
from optimizations.serving import edge_decisions
from optimizations.serving.edge_decisions import EdgeBatchResult
from optimizations.views.ingest import EventsParser, IngestThrottle

LARGEST_BODY = 5 * body_limits.MB
INVALID_CODE = "invalid_parameters"


class DecisionsThrottle(IngestThrottle):
    """Batches of decisions are limited as batches of events are, apart from them."""

    group = "decisions"


@body_limits.limit_body(LARGEST_BODY)
class EdgeDecisionsView(SecretKeyView):
    """Decisions that clients made by themselves."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [require_key_scope(scopes.SERVE)]
    throttle_classes = [DecisionsThrottle]
    parser_classes = [EventsParser]

    @extend_schema(
        request=DecisionBatchSerializer,
        responses={200: DecisionReceiptsSerializer, 207: DecisionReceiptsSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Store up to 500 decisions. After a 200 or 207 they are on disk.

        Each is made again by the version that it names, and rejected if the policy
        decides otherwise. A user who has an assignment keeps it.
        """
        holder = request.user
        assert isinstance(holder, KeyHolder)
        body = request.data
        batch = body.get("decisions") if isinstance(body, dict) else None
        result = edge_decisions.record_decisions(holder.organization_id, str(pk), batch)
        is_partial = bool(result.rejected)
        code = status.HTTP_207_MULTI_STATUS if is_partial else status.HTTP_200_OK
        return Response(_build_body(result), code)


def _build_body(result: EdgeBatchResult) -> dict[str, Any]:
    return {
        "accepted": result.accepted,
        "duplicates": len(result.kept),
        "kept": [
            {
                "index": kept.index,
                "variant_number": kept.assigned.variant_number,
                "in_holdout": kept.assigned.in_holdout,
                "policy_version": kept.assigned.policy_version,
                "redraw": kept.assigned.redraws,
            }
            for kept in result.kept
        ],
        "rejected": [
            {
                "index": rejected.index,
                "code": INVALID_CODE,
                "message": f"{rejected.field}: {rejected.message}",
            }
            for rejected in result.rejected
        ],
    }
