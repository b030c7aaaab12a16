"""URLs under /warehouse."""

from django.urls import path

from warehouse.views import ConnectionViewSet, WarehouseViewSet

urlpatterns = [
    path(
        "warehouse/connections",
        ConnectionViewSet.as_view(
            {"get": "retrieve", "post": "create", "delete": "destroy"}
        ),
    ),
    path("warehouse/connections/test", ConnectionViewSet.as_view({"post": "test"})),
    path("warehouse/tables", WarehouseViewSet.as_view({"get": "tables"})),
    path(
        "warehouse/tables/<path:table>/columns",
        WarehouseViewSet.as_view({"get": "columns"}),
    ),
    path("warehouse/query", WarehouseViewSet.as_view({"post": "query"})),
]
