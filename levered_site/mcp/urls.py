"""URLs of the MCP endpoint and of its OAuth metadata, which needs no token."""

from django.urls import path

from levered_site.mcp import discovery, views

urlpatterns = [
    path("mcp", views.handle_mcp_request),
    path(".well-known/oauth-protected-resource", discovery.get_resource_metadata),
    path(".well-known/oauth-protected-resource/mcp", discovery.get_resource_metadata),
]
