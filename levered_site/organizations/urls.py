"""URLs of /me, /api-keys and /audit."""

from django.urls import path

from levered_site.organizations import views

urlpatterns = [
    path("me", views.MeViewSet.as_view({"get": "retrieve"})),
    path("api-keys", views.ApiKeyViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "api-keys/<id:pk>",
        views.ApiKeyViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("audit", views.AuditViewSet.as_view({"get": "list"})),
    path("api-keys/<id:pk>/rotate", views.ApiKeyViewSet.as_view({"post": "rotate"})),
]
