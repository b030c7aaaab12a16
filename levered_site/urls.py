"""Every address of the service, as a table of contents."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from levered_site.api import docs
from levered_site.observability import health, prometheus

api: list[URLPattern | URLResolver] = [
    path("", include("levered_site.organizations.urls")),
    path("", include("optimizations.urls")),
    path("", include("models_app.urls")),
    path("", include("metrics.urls")),
    path("", include("warehouse.urls")),
    path("schema", docs.schema),
    path("docs", docs.page),
    path("docs/start.js", docs.start_script),
]

urlpatterns = [
    path("api/v2/", include(api)),
    path("", include("levered_site.mcp.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", prometheus.metrics),
    path("admin/", admin.site.urls),
]
