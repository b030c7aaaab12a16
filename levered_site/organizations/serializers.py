"""Serializers of /me and /api-keys."""

from typing import Any

from rest_framework import serializers

from levered_site.api.fields import StrictCharField
from levered_site.api.serializers import StrictSerializer
from levered_site.organizations.models import ApiKey, Member, Organization


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """The caller's organization."""

    class Meta:
        model = Organization
        fields = ("id", "name")


class MeSerializer(serializers.Serializer[Any]):
    """The caller: id, role and organization."""

    user_id = serializers.CharField()
    role = serializers.ChoiceField(choices=Member.Role.choices)
    organization = OrganizationSerializer()


class NewApiKeySerializer(StrictSerializer):
    """The request body of a new key."""

    # `Any`, because the base class has a `label` of its own, which DRF keeps apart.
    label: Any = StrictCharField(max_length=200)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key as lists show it, without its secret."""

    class Meta:
        model = ApiKey
        fields = ("id", "label", "prefix", "created_at", "last_used_at")


class ApiKeyWithSecretSerializer(serializers.ModelSerializer[ApiKey]):
    """A new key, the only response with its secret."""

    secret = serializers.CharField()

    class Meta:
        model = ApiKey
        fields = ("id", "label", "prefix", "secret", "created_at")
