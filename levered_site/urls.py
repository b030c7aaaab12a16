"""The root URLconf of the service."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from levered_site.api import docs, path_converters
from levered_site.observability import health, prometheus
from optimizations.admin.documents.shared_page import show_shared_page
from optimizations.sharing import links
from optimizations.views.public_policy import get_signing_keys

path_converters.register_path_converters()  # before the routes below are read

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("levered_site.organizations.urls")),
    path("", include("optimizations.urls")),
    path("", include("models_app.urls")),
    path("", include("metrics.urls")),
    path("", include("warehouse.urls")),
    path("schema", docs.get_schema),
    path("docs", docs.get_docs_page),
    path("docs/start.js", docs.get_start_script),
]

urlpatterns = [
    path("api/v2/", include(api_urlpatterns)),
    path("", include("levered_site.mcp.urls")),
    path(".well-known/levered-keys.json", get_signing_keys),
    path("healthz", health.check_liveness),
    path("readyz", health.check_readiness),
    path("metrics", prometheus.export_metrics),
    path("admin/", admin.site.urls),
    path(links.ROUTE, show_shared_page, {"token": ""}),
    path(f"{links.ROUTE}<path:token>", show_shared_page),
]
