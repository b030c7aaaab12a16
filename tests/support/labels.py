"""A resource as the apps build theirs, over a table that is at hand; and its URLconf."""

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

from levered_site.api.fields import StrictChar, StrictInteger
from levered_site.api.serializers import StrictSerializer
from levered_site.errors import ConflictError, UnavailableError
from levered_site.organizations.models import ApiKey
from levered_site.organizations.viewsets import (
    Creates,
    Deletes,
    Lists,
    Retrieves,
    Updates,
)
from tests.support import factories


class LabelSerializer(serializers.ModelSerializer[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ("id", "label", "created_at", "updated_at")


class NewLabelSerializer(StrictSerializer):
    label = StrictChar(max_length=200)  # type: ignore[assignment]  # as in the real one
    failure = StrictInteger(required=False)


class LabelViewSet(
    Lists[ApiKey],
    Creates[ApiKey],
    Retrieves[ApiKey],
    Updates[ApiKey],
    Deletes[ApiKey],
):
    """A resource as the apps build theirs, over a table that is at hand."""

    queryset = ApiKey.objects.all()
    serializer_class = LabelSerializer
    create_serializer_class = NewLabelSerializer
    update_serializer_class = NewLabelSerializer
    list_name = "labels"

    def perform_create(self, fields: dict[str, Any]) -> ApiKey:
        failure = fields.get("failure")
        if failure == 409:
            raise ConflictError("no")
        if failure == 503:
            raise UnavailableError("not now")
        if failure == 500:
            raise RuntimeError("secret of the house")
        if failure == 1:
            time.sleep(0.3)
        return ApiKey.objects.create(
            organization_id=self.organization_id,
            label=fields["label"],
            digest=str(timezone.now()),
        )

    def perform_update(self, instance: ApiKey, fields: dict[str, Any]) -> ApiKey:
        instance.label = fields["label"]
        if fields.get("failure") == 1:
            time.sleep(0.3)
        instance.save()
        return instance

    def perform_destroy(self, instance: ApiKey) -> None:
        instance.delete()


class BrokenViewSet(Lists[ApiKey]):
    queryset = ApiKey.objects.all()

    def list(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        return Response({"figure": float("nan")})


many: dict[str, Any] = {"get": "list", "post": "create"}
one: dict[str, Any] = {
    "get": "retrieve",
    "patch": "partial_update",
    "delete": "destroy",
}
api = [
    path("labels", LabelViewSet.as_view(many)),
    path("labels/<str:pk>", LabelViewSet.as_view(one)),
    path("broken", BrokenViewSet.as_view({"get": "list"})),
]
urlpatterns = [path("api/v2/", include(api)), path("admin/", admin.site.urls)]


def make(alice: factories.Api, *labels: str) -> list[str]:
    made = [alice.post("/labels", {"label": label}) for label in labels]
    return [factories.body_of(answer)["id"] for answer in made]


def at_once(work: Callable[[str], None], *arguments: str) -> None:
    threads = [threading.Thread(target=work, args=(one,)) for one in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
