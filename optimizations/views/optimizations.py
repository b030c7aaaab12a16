"""Endpoints: optimizations and their lifecycle."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import requests
from levered_site.errors import ForbiddenError, InvalidParametersError
from levered_site.organizations.actors import Actor
from levered_site.organizations.permissions import IsAdmin, require_admin_for
from levered_site.organizations.viewsets import (
    CreateViewSet,
    DeleteViewSet,
    ListViewSet,
    RetrieveViewSet,
    UpdateViewSet,
)
from optimizations.configuration import lifecycle, unarchiving
from optimizations.models import Optimization
from optimizations.results.health import health_records, ship_guard
from optimizations.results.readings import list_summary
from optimizations.serializers.optimization_requests import (
    ConfirmSerializer,
    NewOptimizationSerializer,
    OptimizationChangeSerializer,
)
from optimizations.serializers.optimization_responses import (
    ChangedOptimizationSerializer,
    OptimizationRowSerializer,
    OptimizationSerializer,
    ShippedOptimizationSerializer,
)

LONGEST_SEARCH = 200
LIST_FILTERS = [
    OpenApiParameter(
        "include_archived",
        bool,
        description="Also list archived ones; ignored if `status` is given. Default false.",
    ),
    OpenApiParameter(
        "status",
        str,
        enum=Optimization.Status.values,
        description="List those with this status.",
    ),
    OpenApiParameter(
        "search", str, description="List those whose name contains this text."
    ),
]


class OptimizationViewSet(
    ListViewSet[Optimization],
    CreateViewSet[Optimization],
    RetrieveViewSet[Optimization],
    UpdateViewSet[Optimization],
    DeleteViewSet[Optimization],
):
    """Optimizations: searches for the best variant on live traffic."""

    queryset = Optimization.objects.filter(deleted_at=None)
    serializer_class = OptimizationSerializer
    list_serializer_class = OptimizationRowSerializer
    create_serializer_class = NewOptimizationSerializer
    update_serializer_class = OptimizationChangeSerializer
    list_name = "optimizations"
    query_parameters = {"list": [parameter.name for parameter in LIST_FILTERS]}
    permission_classes = [
        require_admin_for("ship", "stop", "archive", "unarchive", "destroy")
    ]
    _shipment: Mapping[str, Any] = MappingProxyType({})  # of a change that shipped it

    def get_queryset(self) -> QuerySet[Optimization]:
        """Return the organization's optimizations with the rows that a response needs."""
        rows = super().get_queryset().select_related("model", "reward_metric")
        if self.action == "list":
            return rows
        return rows.prefetch_related("guardrail_metrics")

    def filter_queryset(
        self, queryset: QuerySet[Optimization, Any]
    ) -> QuerySet[Optimization, Any]:
        """Apply a list's `status`, `search` and `include_archived`."""
        if self.action != "list":
            return queryset
        request = requests.get_django_request(self.request)
        status = requests.read_choice(
            request, "status", tuple(Optimization.Status.values)
        )
        archived = requests.read_flag(request, "include_archived")
        search = request.GET.get("search", "")
        if len(search) > LONGEST_SEARCH:
            message = f"must have at most {LONGEST_SEARCH} characters"
            raise InvalidParametersError.for_field("search", message)
        if status is not None:
            queryset = queryset.filter(status=status)
        elif not archived:
            queryset = queryset.exclude(status=Optimization.Status.ARCHIVED)
        return queryset.filter(name__icontains=search) if search else queryset

    def represent_rows(
        self, page: Sequence[Optimization]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a page, with their summaries from one query."""
        context = {"summaries": list_summary.load_summaries(page)}
        return list(OptimizationRowSerializer(page, many=True, context=context).data)

    @extend_schema(parameters=LIST_FILTERS)
    def list(self, _request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page, newest first, without archived ones unless requested."""
        return super().list(_request, *args, **kwargs)

    def prepare_action(self) -> None:
        """Have the warehouse count before a request ships: what it is told stays known."""
        if self.caller.is_admin and self._ships_unconfirmed():
            ship_guard.count_before_judging(self.get_object())

    def _ships_unconfirmed(self) -> bool:
        if self.action == "ship":
            return not self.read_body(ConfirmSerializer)["confirm"]
        data = self.request.data if self.action == "partial_update" else None
        return (
            isinstance(data, Mapping)
            and data.get("status") == Optimization.Status.SHIPPED
            and not data.get("confirm", False)
        )

    def perform_create(self, fields: dict[str, Any]) -> Optimization:
        """Create an optimization.

        It goes live at once if `status` is live, or by default with a reward metric.
        """
        return lifecycle.create_optimization(self.organization_id, self.actor, fields)

    @extend_schema(responses=ChangedOptimizationSerializer)
    def partial_update(self, _request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the fields in the body. Only admins may ship, complete or archive.

        A change that ships it answers as `POST …/ship` does, with the health that it was
        shipped with.
        """
        response = super().partial_update(_request, *args, **kwargs)
        response.data |= self._shipment
        return response

    def perform_update(
        self, instance: Optimization, fields: dict[str, Any]
    ) -> Optimization:
        """Change an optimization. Only admins may ship, complete or archive."""
        needs_admin = fields.get("status") in lifecycle.ADMIN_ONLY_STATUSES
        if needs_admin and not self.caller.is_admin:
            raise ForbiddenError(IsAdmin.message)
        shipped = Optimization.Status.SHIPPED
        if fields.get("status") == shipped and instance.status != shipped:
            self._shipment = _describe_shipment(
                instance, confirm=fields.get("confirm", False)
            )
        return lifecycle.update_optimization(instance, fields, self.actor)

    def perform_destroy(self, instance: Optimization) -> None:
        """Delete an optimization and its data.

        One that has served users must be archived first. It is then hidden, and its data
        stay.
        """
        lifecycle.delete_optimization(instance, self.actor)

    @extend_schema(request=ConfirmSerializer, responses=ShippedOptimizationSerializer)
    def ship(self, _request: Request, **_kwargs: Any) -> Response:
        """Give every user the leading variant for their context; freeze the results.

        Where the health of the figures is broken or a guardrail is violated, `confirm`
        must be true: without it the 409 names the reasons in `details`. The answer has
        the health that it was shipped with.
        """
        confirm = self.read_body(ConfirmSerializer)["confirm"]
        with self.get_object_for_update() as optimization:
            shipment = _describe_shipment(optimization, confirm=confirm)
            changed = lifecycle.ship_optimization(
                optimization, self.actor, confirm=confirm
            )
        response = self.build_response(changed)  # its ETag is that of the resource
        response.data |= shipment
        return response

    @extend_schema(request=None, responses=OptimizationSerializer)
    def stop(self, _request: Request, **_kwargs: Any) -> Response:
        """Stop the optimization permanently; its results stay."""
        return self._apply_transition(lifecycle.stop_optimization)

    @extend_schema(request=None, responses=OptimizationSerializer)
    def archive(self, _request: Request, **_kwargs: Any) -> Response:
        """Archive the optimization: lists no longer show it, and it is not served.

        `POST …/unarchive` undoes it. A shipped optimization must be stopped first (409).
        """
        return self._apply_transition(lifecycle.archive_optimization)

    @extend_schema(request=None, responses=OptimizationSerializer)
    def unarchive(self, _request: Request, **_kwargs: Any) -> Response:
        """Undo archiving: it has the status of before, and is paused if it was live.

        409 if it is not archived, or if its model or metric no longer fit.
        """
        return self._apply_transition(unarchiving.unarchive_optimization)

    def _apply_transition(
        self, transition: Callable[[Optimization, Actor], Optimization]
    ) -> Response:
        self.refuse_body()
        with self.get_object_for_update() as optimization:
            changed = transition(optimization, self.actor)
        return self.build_response(changed)


def _describe_shipment(
    optimization: Optimization, *, confirm: bool
) -> Mapping[str, Any]:
    """Return what an answer adds for an optimization that is about to be shipped."""
    return {"health": health_records.load_health(optimization), "confirmed": confirm}
