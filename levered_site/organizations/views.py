"""Views of /me and of the organization's API keys."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations import api_keys
from levered_site.organizations.models import ApiKey, Organization
from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.serializers import (
    ApiKeySerializer,
    ApiKeyWithSecretSerializer,
    MeSerializer,
    NewApiKeySerializer,
)
from levered_site.organizations.viewsets import (
    DeleteViewSet,
    ListViewSet,
    OrganizationViewSet,
)


class MeViewSet(OrganizationViewSet[Organization]):
    """The caller of the API."""

    queryset = Organization.objects.all()
    serializer_class = MeSerializer

    @extend_schema(operation_id="me")
    def retrieve(self, _request: Request) -> Response:
        """Return the caller's id, role and organization."""
        organization = Organization.objects.get(pk=self.organization_id)
        caller = {
            "user_id": self.caller.user_id,
            "role": self.caller.role,
            "organization": organization,
        }
        return Response(MeSerializer(caller).data)


class ApiKeyViewSet(ListViewSet[ApiKey], DeleteViewSet[ApiKey]):
    """API keys of the ingestion API. Admins create and revoke them."""

    queryset = ApiKey.objects.active()
    serializer_class = ApiKeySerializer
    list_name = "api_keys"
    permission_classes = [require_admin_for("create", "destroy")]
    secret_actions = ("create",)

    @extend_schema(
        request=NewApiKeySerializer, responses={201: ApiKeyWithSecretSerializer}
    )
    def create(self, _request: Request) -> Response:
        """Create a key. Only this response contains its secret."""
        label = self.read_body(NewApiKeySerializer)["label"]
        key, secret = api_keys.create_key(self.organization_id, label, self.actor)
        representation = ApiKeySerializer(key).data
        fields = ("id", "label", "prefix", "created_at")
        body = {name: representation[name] for name in fields} | {"secret": secret}
        return Response(body, status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ApiKey) -> None:
        """Revoke the key."""
        api_keys.revoke_key(instance, self.actor)
