"""URLs of models. The policy's URL is in optimizations, because it names their holdout."""

from django.urls import path

from models_app.views import BanditModelViewSet, TrainingRunViewSet

urlpatterns = [
    path("models", BanditModelViewSet.as_view({"get": "list"})),
    path(
        "models/<uuid:pk>",
        BanditModelViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path("models/<uuid:pk>/state", BanditModelViewSet.as_view({"get": "state"})),
    path("models/<uuid:pk>/train", BanditModelViewSet.as_view({"post": "train"})),
    path(
        "models/<uuid:model_id>/training-runs",
        TrainingRunViewSet.as_view({"get": "list"}),
    ),
    path(
        "models/<uuid:model_id>/training-runs/<uuid:pk>",
        TrainingRunViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "models/<uuid:model_id>/training-runs/<uuid:pk>/cancel",
        TrainingRunViewSet.as_view({"post": "cancel"}),
    ),
]
