"""A viewset like those of the apps, over the table of API keys, and its URLconf."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.urls import include, path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api.fields import StrictCharField, StrictIntegerField
from levered_site.api.serializers import StrictSerializer
from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    InvalidParametersError,
    NotFoundError,
    PreconditionFailedError,
    QueryRefusedError,
    RateLimitedError,
    UnavailableError,
    WarehouseError,
)
from levered_site.organizations.models import ApiKey
from levered_site.organizations.viewsets import (
    CreateViewSet,
    DeleteViewSet,
    ListViewSet,
    RetrieveViewSet,
    UpdateViewSet,
)
from tests.support import factories

# By the status of the answer; 4001 is a 400 of the warehouse.
FAILURES: dict[int, Exception] = {
    400: InvalidParametersError("no"),
    403: ForbiddenError("no"),
    404: NotFoundError("no"),
    409: ConflictError("no"),
    412: PreconditionFailedError("no"),
    429: RateLimitedError("no", retry_after=1),
    500: RuntimeError("an internal detail"),
    502: WarehouseError("no"),
    503: UnavailableError("not now"),
    4001: QueryRefusedError("no"),
}


class LabelSerializer(serializers.ModelSerializer[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ("id", "label", "created_at", "updated_at")


class NewLabelSerializer(StrictSerializer):
    label: Any = StrictCharField(max_length=200)
    failure = StrictIntegerField(required=False)


class LabelViewSet(
    ListViewSet[ApiKey],
    CreateViewSet[ApiKey],
    RetrieveViewSet[ApiKey],
    UpdateViewSet[ApiKey],
    DeleteViewSet[ApiKey],
):
    queryset = ApiKey.objects.all()
    serializer_class = LabelSerializer
    create_serializer_class = NewLabelSerializer
    update_serializer_class = NewLabelSerializer
    list_name = "labels"

    def perform_create(self, fields: dict[str, Any]) -> ApiKey:
        failure = fields.get("failure", 0)
        if failure in FAILURES:
            raise FAILURES[failure]
        if failure == 1:
            time.sleep(0.3)
        label = ApiKey.objects.create(
            organization_id=self.organization_id,
            label=fields["label"],
            digest=str(timezone.now()),
        )
        if failure == 2:
            raise ConflictError("too late")
        return label

    def perform_update(self, instance: ApiKey, fields: dict[str, Any]) -> ApiKey:
        instance.label = fields["label"]
        if fields.get("failure") == 1:
            time.sleep(0.3)
        instance.save()
        return instance

    def perform_destroy(self, instance: ApiKey) -> None:
        instance.delete()


class BrokenViewSet(ListViewSet[ApiKey]):
    queryset = ApiKey.objects.all()

    def list(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        return Response({"figure": float("nan")})


list_actions: dict[str, Any] = {"get": "list", "post": "create"}
detail_actions: dict[str, Any] = {
    "get": "retrieve",
    "patch": "partial_update",
    "delete": "destroy",
}
api = [
    path("labels", LabelViewSet.as_view(list_actions)),
    path("labels/<str:pk>", LabelViewSet.as_view(detail_actions)),
    path("broken", BrokenViewSet.as_view({"get": "list"})),
]
urlpatterns = [path("api/v2/", include(api)), path("admin/", admin.site.urls)]


def make_labels(alice: factories.Api, *labels: str) -> list[str]:
    responses = [alice.post("/labels", {"label": label}) for label in labels]
    return [factories.read_body(response)["id"] for response in responses]


def run_concurrently(work: Callable[[str], None], *arguments: str) -> None:
    threads = [
        threading.Thread(target=work, args=(argument,)) for argument in arguments
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
