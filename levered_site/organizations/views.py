"""Views of /me, of the organization's API keys and of its audit log."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api.pagination import CreationPagination
from levered_site.organizations import api_keys, audit_log
from levered_site.organizations.actors import KeyHolder
from levered_site.organizations.api_keys import KeySpec
from levered_site.organizations.audit_log import AuditFilter
from levered_site.organizations.audit_serializers import (
    AuditEntrySerializer,
    AuditQuerySerializer,
)
from levered_site.organizations.models import ApiKey, AuditEntry, Organization
from levered_site.organizations.permissions import (
    IsAdmin,
    IsKnown,
    require_admin_for,
)
from levered_site.organizations.request_serializers import (
    ApiKeyBodySerializer,
    NewApiKeySerializer,
    RotateApiKeySerializer,
)
from levered_site.organizations.serializers import (
    ApiKeySerializer,
    ApiKeyWithSecretSerializer,
    MeSerializer,
)
from levered_site.organizations.viewsets import (
    DeleteViewSet,
    ListViewSet,
    OrganizationViewSet,
    RetrieveViewSet,
    UpdateViewSet,
)


class MeViewSet(OrganizationViewSet[Organization]):
    """The caller of the API."""

    queryset = Organization.objects.all()
    serializer_class = MeSerializer
    permission_classes = [IsKnown]

    def retrieve(self, _request: Request) -> Response:
        """Return who calls, a person or an API key, and their organization."""
        me: dict[str, Any] = {
            "user_id": None,
            "role": None,
            "api_key": None,
            "organization": Organization.objects.get(pk=self.organization_id),
        }
        if isinstance(self.caller, KeyHolder):
            me["api_key"] = ApiKey.objects.get(pk=self.caller.key_id)
        else:
            me |= {"user_id": self.caller.user_id, "role": self.caller.role}
        return Response(MeSerializer(me).data)


class ApiKeyViewSet(
    ListViewSet[ApiKey],
    RetrieveViewSet[ApiKey],
    UpdateViewSet[ApiKey],
    DeleteViewSet[ApiKey],
):
    """API keys. Admins create, change, rotate and revoke them."""

    queryset = ApiKey.objects.active()
    serializer_class = ApiKeySerializer
    update_serializer_class = ApiKeyBodySerializer
    list_name = "api_keys"
    permission_classes = [
        require_admin_for("create", "partial_update", "rotate", "destroy")
    ]
    secret_actions = ("create", "rotate")

    @extend_schema(
        request=NewApiKeySerializer, responses={201: ApiKeyWithSecretSerializer}
    )
    def create(self, _request: Request) -> Response:
        """Create a key. Only this response contains its secret.

        A key with the scope `track` is publishable: it may stand in a web page and is
        shown again as `public_key`.
        """
        spec = KeySpec(**self.read_body(NewApiKeySerializer))
        key, secret = api_keys.create_key(self.organization_id, spec, self.actor)
        return _build_secret_response(key, secret, status.HTTP_201_CREATED)

    @extend_schema(
        request=RotateApiKeySerializer, responses={200: ApiKeyWithSecretSerializer}
    )
    def rotate(self, _request: Request, **_kwargs: Any) -> Response:
        """Give the key a new secret, which only this response contains.

        The secret before works until the overlap ends.
        """
        hours = self.read_body(RotateApiKeySerializer)["overlap_hours"]
        with self.get_object_for_update() as key:
            rotated, secret = api_keys.rotate_key(
                key, timedelta(hours=hours), self.actor
            )
        return _build_secret_response(rotated, secret, status.HTTP_200_OK)

    def perform_update(self, instance: ApiKey, fields: dict[str, Any]) -> ApiKey:
        """Change what is not its scopes; other processes follow within seconds."""
        return api_keys.change_key(instance, fields, self.actor)

    def perform_destroy(self, instance: ApiKey) -> None:
        """Revoke the key."""
        api_keys.revoke_key(instance, self.actor)


class AuditViewSet(ListViewSet[AuditEntry]):
    """The audit log of the organization, for its admins."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    pagination_class = CreationPagination
    list_name = "audit_entries"
    permission_classes = [IsAdmin]
    query_parameters = {"list": tuple(AuditQuerySerializer().fields)}

    def filter_queryset(
        self, queryset: QuerySet[AuditEntry, Any]
    ) -> QuerySet[AuditEntry, Any]:
        """Apply the filters of the query."""
        names = self.query_parameters["list"]
        parameters = self.request.query_params
        given = {name: parameters[name] for name in names if name in parameters}
        query = AuditQuerySerializer(data=given)
        query.is_valid(raise_exception=True)
        return audit_log.select_entries(queryset, AuditFilter(**query.validated_data))

    @extend_schema(parameters=[AuditQuerySerializer])
    def list(self, _request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page of who changed what, newest first, with before and after."""
        return super().list(_request, *args, **kwargs)


def _build_secret_response(key: ApiKey, secret: str, status_code: int) -> Response:
    return Response({**ApiKeySerializer(key).data, "secret": secret}, status_code)
