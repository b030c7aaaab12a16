"""Addresses of metrics and assignment sources."""

from django.urls import path

from metrics.views import (
    AssignmentSourceViewSet,
    MetricViewSet,
    UnsavedMetricViewSet,
    UnsavedSourceViewSet,
)

urlpatterns = [
    path("warehouse/preview", UnsavedMetricViewSet.as_view({"post": "preview"})),
    path(
        "warehouse/metrics",
        MetricViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "warehouse/metrics/<id:pk>",
        MetricViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        "warehouse/metrics/<id:pk>/preview",
        MetricViewSet.as_view({"post": "preview"}),
    ),
    path(
        "warehouse/assignment-sources",
        AssignmentSourceViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "warehouse/assignment-sources/preview",
        UnsavedSourceViewSet.as_view({"post": "preview"}),
    ),
    path(
        "warehouse/assignment-sources/<id:pk>",
        AssignmentSourceViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(
        "warehouse/assignment-sources/<id:pk>/preview",
        AssignmentSourceViewSet.as_view({"post": "preview"}),
    ),
]
