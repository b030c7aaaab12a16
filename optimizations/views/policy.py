"""Endpoint: the allocation table of a model, for clients that decide locally."""

from collections.abc import Mapping
from typing import Any

from levered_site.organizations.viewsets import RetrieveViewSet
from optimizations.models import Optimization
from optimizations.serializers.policy import PolicySerializer
from optimizations.serving import policy_export


class PolicyViewSet(RetrieveViewSet[Optimization]):
    """The policy by its model; here because the holdout belongs to the optimization."""

    queryset = Optimization.objects.filter(
        deleted_at=None, model__deleted_at=None
    ).select_related("model")
    serializer_class = PolicySerializer
    lookup_field = "model_id"
    lookup_url_kwarg = "pk"

    def represent(self, instance: Optimization) -> Mapping[str, Any]:
        """Show the table that serves now."""
        return policy_export.export_policy(instance)
