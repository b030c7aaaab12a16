"""Serializers of the responses of /me and /api-keys."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from levered_site.organizations import scopes
from levered_site.organizations.models import ApiKey, Member, Organization
from levered_site.organizations.request_serializers import RewardBoundsSerializer


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """The caller's organization."""

    class Meta:
        model = Organization
        fields = ("id", "name")


class RotationSerializer(serializers.Serializer[ApiKey]):
    """A rotation whose overlap has not ended: two secrets work."""

    previous_prefix = serializers.CharField()
    overlap_ends_at = serializers.DateTimeField(source="previous_expires_at")


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key without its secret."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=scopes.ALL_SCOPES)
    )
    rotation = serializers.SerializerMethodField(
        help_text="Null unless the secret before the last rotation works still."
    )
    public_key = serializers.SerializerMethodField(
        help_text="The key itself if it is a publishable one, else null."
    )
    rewards = RewardBoundsSerializer(many=True)
    origins = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiKey
        fields = (
            *("id", "label", "prefix", "scopes", "created_at", "expires_at"),
            *("last_used_at", "rotation", "public_key", "rewards", "origins"),
        )

    @extend_schema_field(RotationSerializer(allow_null=True))
    def get_rotation(self, key: ApiKey) -> Any:
        """Return the running rotation; None without one."""
        if not key.has_overlap(timezone.now()):
            return None
        return RotationSerializer(key).data

    def get_public_key(self, key: ApiKey) -> str | None:
        """Return a publishable key as it stands in web pages."""
        return key.public_key or None


class ApiKeyWithSecretSerializer(ApiKeySerializer):
    """A key with a new secret: the only response that shows it."""

    secret = serializers.CharField()

    class Meta:
        model = ApiKey
        fields = (*ApiKeySerializer.Meta.fields, "secret")


class MeSerializer(serializers.Serializer[Any]):
    """The caller: a person with a role, or an API key."""

    user_id = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(choices=Member.Role.choices, allow_null=True)
    api_key = ApiKeySerializer(allow_null=True)
    organization = OrganizationSerializer()
