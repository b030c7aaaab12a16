"""URLs of models. The policy's URL is in optimizations, because it names their holdout."""

from django.urls import path

from models_app.views import (
    BanditModelViewSet,
    PolicyVersionViewSet,
    TrainingRunViewSet,
)

urlpatterns = [
    path("models", BanditModelViewSet.as_view({"get": "list"})),
    path(
        "models/<id:pk>",
        BanditModelViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path("models/<id:pk>/train", BanditModelViewSet.as_view({"post": "train"})),
    path("models/<id:pk>/versions", PolicyVersionViewSet.as_view({"get": "list"})),
    path(
        "models/<id:model_id>/training-runs",
        TrainingRunViewSet.as_view({"get": "list"}),
    ),
    path(
        "models/<id:model_id>/training-runs/<id:pk>",
        TrainingRunViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "models/<id:model_id>/training-runs/<id:pk>/cancel",
        TrainingRunViewSet.as_view({"post": "cancel"}),
    ),
]
