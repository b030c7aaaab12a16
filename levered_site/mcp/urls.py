"""Addresses of the MCP endpoint and of what it tells before anybody signs in."""

from django.urls import path

from levered_site.mcp import discovery, views

urlpatterns = [
    path("mcp", views.endpoint),
    path(".well-known/oauth-protected-resource", discovery.metadata),
    path(".well-known/oauth-protected-resource/mcp", discovery.metadata),
]
