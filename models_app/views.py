"""Endpoints: models, their state, and their training runs."""

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import slow_requests
from levered_site.api.pagination import CreationPagination
from levered_site.errors import ConflictError
from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.viewsets import (
    DeleteViewSet,
    ListViewSet,
    RetrieveViewSet,
)
from models_app import retirement, run_figures, runs, version_history
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from models_app.serializers import (
    BanditModelSerializer,
    PolicyVersionSerializer,
    TrainingResultSerializer,
    TrainingRunSerializer,
    TrainSerializer,
)

POLL_SECONDS = 0.2
# How long a run that nothing keeps from being sent is waited for.
HELD_UP_SECONDS = 1.0
PREFER_HEADER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async`: respond with 202 at once instead of waiting.",
)


class BanditModelViewSet(
    ListViewSet[BanditModel], RetrieveViewSet[BanditModel], DeleteViewSet[BanditModel]
):
    """The models of optimizations."""

    queryset = BanditModel.objects.visible()
    serializer_class = BanditModelSerializer
    list_name = "models"
    long_actions = ("train",)
    permission_classes = [require_admin_for("destroy")]

    def perform_destroy(self, instance: BanditModel) -> None:
        """Hide it; 409 while an optimization uses it."""
        retirement.retire_model(instance, self.actor)

    @extend_schema(
        request=TrainSerializer,
        parameters=[PREFER_HEADER],
        responses={200: TrainingResultSerializer, 202: TrainingResultSerializer},
    )
    def train(self, request: Request, **_kwargs: Any) -> Response:
        """Train; 200 if it ends within 25 s, else 202. A second call joins the first."""
        model = self.get_object()
        bias = self.read_body(TrainSerializer).get("bias")
        with transaction.atomic():
            run = runs.request_training(model, requested_by=str(self.actor), bias=bias)
            if run.status in runs.OPEN_STATUSES:
                self.store_for_repeats(self._build_response(run))
        preferred = request.headers.get("Prefer", "").lower()
        if "respond-async" not in preferred:
            with slow_requests.try_reserve_thread() as has_thread:
                if has_thread:
                    run = _wait_for_run(run)
        return self._build_response(run)

    def _build_response(self, run: TrainingRun) -> Response:
        location = {"Location": f"/api/v2/models/{run.model_id}/training-runs/{run.pk}"}
        if run.status in runs.OPEN_STATUSES:
            body = {
                "model_id": run.model_id,
                "training_run_id": run.pk,
                "status": "training",
            }
            return Response(body, status.HTTP_202_ACCEPTED, headers=location)
        if run.status != TrainingRun.Status.SUCCEEDED:
            raise ConflictError(f"Training {run.status}: {run.error or 'on request'}")
        result = {
            "model_id": run.model_id,
            "training_run_id": run.pk,
            "status": "trained",
            "policy_version": run.policy_version,
            "in_sample_metrics": run_figures.load_shown_figures(run),
            "notes": run.notes,
        }
        return Response(TrainingResultSerializer(result).data, headers=location)


class PolicyVersionViewSet(ListViewSet[PolicyVersion]):
    """The policy versions of a model, newest first: what each served."""

    queryset = PolicyVersion.objects.all()
    serializer_class = PolicyVersionSerializer
    pagination_class = CreationPagination
    list_name = "versions"

    def get_queryset(self) -> QuerySet[PolicyVersion]:
        """Return the versions of the model. Raise Http404 if it is not one's own."""
        if getattr(self, "swagger_fake_view", False):
            return PolicyVersion.objects.none()
        own = BanditModel.objects.visible().filter(organization_id=self.organization_id)
        model = get_object_or_404(own, pk=self.kwargs["pk"])
        return version_history.select_versions(model)


class TrainingRunViewSet(ListViewSet[TrainingRun], RetrieveViewSet[TrainingRun]):
    """The training runs of a model."""

    queryset = TrainingRun.objects.all()
    serializer_class = TrainingRunSerializer
    list_name = "training_runs"

    def get_queryset(self) -> QuerySet[TrainingRun]:
        """Return the runs of the model. Raise Http404 if it is not the organization's."""
        if getattr(self, "swagger_fake_view", False):
            return TrainingRun.objects.none()
        model_id: UUID = self.kwargs["model_id"]
        own = BanditModel.objects.visible().filter(organization_id=self.organization_id)
        if not own.filter(pk=model_id).exists():
            raise Http404
        return TrainingRun.objects.filter(model_id=model_id).select_related(
            "model__optimization__results_summary"
        )

    @extend_schema(request=None, responses=TrainingRunSerializer)
    def cancel(self, _request: Request, **_kwargs: Any) -> Response:
        """Cancel a run: at once while it is queued, else at its next phase."""
        self.refuse_body()
        return self.build_response(runs.cancel_run(self.get_object()))


def _wait_for_run(run: TrainingRun) -> TrainingRun:
    """Poll a run until it ends, at most for settings.TRAIN_WAIT_SECONDS.

    Of a broker that is away no result can be waited for: the reaper sends the run later.
    """
    started_at = time.monotonic()
    deadline = started_at + settings.TRAIN_WAIT_SECONDS
    held_up_until = started_at + HELD_UP_SECONDS
    while run.status in runs.OPEN_STATUSES and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        run.refresh_from_db()
        if not runs.is_held_up(run):
            held_up_until = time.monotonic() + HELD_UP_SECONDS
        elif time.monotonic() >= held_up_until:
            break
    return run
